from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.auth.reauthentication import require_recent_login
from accounts.models import Session
from core.api.endpoints import endpoint_of_request
from core.errors import NotAllowed


class RequiresRecentLogin(BasePermission):
    """Requires a recent login where the endpoint declares it (`requires_recent_login`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        endpoint = endpoint_of_request(request._request)
        if not endpoint.needs_recent_login(request.method or ""):
            return True
        if endpoint.checks_password_itself and request.user.has_usable_password():
            return True
        if not isinstance(request.auth, Session):
            raise NotAllowed("API keys cannot do this. Sign in instead.", code="not_for_keys")
        require_recent_login(session_id=request.auth.pk, now=timezone.now())
        return True
