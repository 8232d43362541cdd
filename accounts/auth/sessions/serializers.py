from rest_framework import serializers

from accounts.models import Session


class SessionOut(serializers.ModelSerializer[Session]):
    """`device` is the browser or the program in words, by what it says of itself."""

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
