from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "taskflow"
    verbose_name = "TaskFlow"
