from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications.panels import register_panels  # late: models are not ready before

        register_panels()
