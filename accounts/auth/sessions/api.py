"""API of the caller's sessions in browsers and API clients."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.auth.sessions import selectors, services
from accounts.models import Session
from core.api.generics import DeleteView, ListView


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


class SessionsView(ListView):
    """The caller's sessions, newest first."""

    operation_ids = {"get": "list_sessions"}
    api_key_scope = None
    serializer_class = SessionOut
    default_ordering = "-id"

    def get_queryset(self) -> QuerySet[Session]:
        return selectors.list_sessions(self.user, self.now)

    def get_serializer_context(self) -> dict[str, Any]:
        return {"current": getattr(self.request.auth, "pk", None)}


class SessionView(DeleteView):
    """One of the caller's sessions, to sign it out."""

    operation_ids = {"delete": "revoke_session"}
    api_key_scope = None

    def delete_object(self, session_id: uuid.UUID) -> None:
        services.revoke_session(actor=self.user, session_id=session_id, now=self.now)
