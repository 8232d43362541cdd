from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.auth.reauthentication import CHECKS_PASSWORD_ITSELF, protected_operation, require_recent_login
from accounts.models import Session
from core.errors import NotAllowed


class RequiresRecentLogin(BasePermission):
    """What outlives a session asks for a fresh proof here, where no door can forget to ask: see accounts.auth.reauthentication."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request._request.resolver_match
        operation = protected_operation(request.method or "", match.route if match else "")
        if not operation or (operation in CHECKS_PASSWORD_ITSELF and request.user.has_usable_password()):
            return True
        if not isinstance(request.auth, Session):
            raise NotAllowed("No API key may do this; sign in instead.", code="not_for_keys")
        require_recent_login(session_id=request.auth.pk, now=timezone.now())
        return True
