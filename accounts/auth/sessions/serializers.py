from rest_framework import serializers

from accounts.models import Session


class SessionOut(serializers.ModelSerializer[Session]):
    """A session. `device` is the readable name of the browser or program, from its User-Agent."""

    device = serializers.CharField(source="device_name")
    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = [
            "id",
            "kind",
            "device",
            "user_agent",
            "ip_address",
            "created_at",
            "last_seen_at",
            "expires_at",
            "current",
        ]

    def get_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["current"])
