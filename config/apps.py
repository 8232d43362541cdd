from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "taskflow"
    verbose_name = "TaskFlow"


class PageStaticFilesConfig(StaticFilesConfig):
    """Leaves out what packages bring for pages that we do not have: half of all, and of the time to compress it."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "rest_framework"]


class PageAccountConfig(AccountConfig):
    """Leaves out the demand for allauth's own middleware: config.middleware.PageAllauthMiddleware does its work, for pages only."""

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401 -- registers its system checks
