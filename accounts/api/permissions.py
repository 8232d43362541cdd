from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import Session
from accounts.proofs import ASK_FOR_THE_PASSWORD, operation_of
from accounts.services import require_proof
from core.errors import NotAllowed


class FreshlyProved(BasePermission):
    """What outlives a session asks for a fresh proof here, where no door can forget to ask: see accounts.proofs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request._request.resolver_match
        operation = operation_of(request.method or "", match.route if match else "")
        if not operation or (operation in ASK_FOR_THE_PASSWORD and request.user.has_usable_password()):
            return True
        if not isinstance(request.auth, Session):
            raise NotAllowed("No API key may do this; sign in instead.", code="not_for_keys")
        require_proof(session_id=request.auth.pk, now=timezone.now())
        return True
