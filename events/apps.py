from django.apps import AppConfig

from core import health


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events.health import check_queue  # late: models are not ready before
        from events.panels import register_panels

        register_panels()
        health.register_check("queue", check_queue)
