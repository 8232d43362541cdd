from django.apps import AppConfig
from django.core import checks


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core.api.routes import check_declarations  # late: the URL configuration needs all apps
        from core.panels import register_panels

        register_panels()
        checks.register(checks.Tags.urls)(check_declarations)
