"""App configurations, with three that adapt third-party apps."""

import sys

from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class ConfigConfig(AppConfig):
    name = "config"
    default = True  # of the configurations below
    label = "taskflow"
    verbose_name = "TaskFlow"

    def ready(self) -> None:
        from config.panels import register_panels  # late: models are not ready before

        register_panels()


class PageAdminConfig(SimpleAdminConfig):
    """Loads the admin's modules, but not in the relay: they take a third of its start, and all events wait for it."""

    def ready(self) -> None:
        super().ready()
        if sys.argv[1:2] != ["relay"]:
            admin.autodiscover()


class PageStaticFilesConfig(StaticFilesConfig):
    """Skips static files of pages that TaskFlow does not have: half of all files and of the compression time."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "rest_framework"]


class PageAccountConfig(AccountConfig):
    """Does not require allauth's own middleware.

    config.middleware.PageAllauthMiddleware takes its place, and allauth's check accepts no other class.
    """

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401 -- registers its system checks
