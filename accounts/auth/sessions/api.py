"""API of the caller's sessions in browsers and API clients."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet

from accounts.auth.sessions import selectors, services
from accounts.auth.sessions.serializers import SessionOut
from accounts.models import Session
from core.api.generics import DeleteView, ListView


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
