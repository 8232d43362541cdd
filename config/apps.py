from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "taskflow"
    verbose_name = "TaskFlow"


class StaticFiles(StaticFilesConfig):
    """Leaves out what packages bring for pages that we do not have: half of all, and of the time to compress it."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "rest_framework"]
