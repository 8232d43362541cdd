"""Authentication and permission classes of the API."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.auth.login_methods.selectors import has_mfa
from accounts.auth.mfa.enforcement import mfa_setup_required_error
from accounts.auth.reauthentication import require_recent_login
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.models import Session, User
from core.api.endpoints import endpoint_of_request
from core.cache import GLOBAL_GENERATION_KEY
from core.clock import current_time
from core.errors import NotAllowed, NotAuthenticated
from core.security.tokens import read_access_token

SCHEME = b"bearer"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>`. The token's session must be active, which PostgreSQL decides."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != SCHEME:
            return None
        if len(parts) != 2:
            raise NotAuthenticated(gettext("The token is not valid."), code="token_not_valid")
        claims = read_access_token(parts[1])
        if claims is None:
            raise NotAuthenticated(gettext("The token is not valid."), code="token_not_valid")
        as_of = request.META.get(GLOBAL_GENERATION_KEY, "")
        session = sessions_selectors.get_active_api_session(uuid.UUID(claims.session_id), current_time(), as_of=as_of)
        if session is None or str(session.user_id) != claims.user_id:
            raise NotAuthenticated(gettext("The token is not valid."), code="token_not_valid")
        request._request.user_for_log = session.user
        if session.mfa_setup_required and not endpoint_of_request(request._request).is_mfa_exempt(request._request):
            raise mfa_setup_required_error()
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class RequiresRecentLogin(BasePermission):
    """Requires a recent login where the view declares it (`requires_recent_login`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        # A view of another package, like the OpenAPI document, is no ApiView and declares nothing of the kind.
        if method not in getattr(view, "requires_recent_login", ()):
            return True
        # The password in the body is the confirmation, but not enough for a user with MFA.
        if view.checks_password_itself and request.user.has_usable_password() and not has_mfa(request.user):
            return True
        if not isinstance(request.auth, Session):
            raise NotAllowed(gettext("API keys cannot do this. Sign in instead."), code="not_for_keys")
        require_recent_login(session_id=request.auth.pk, now=current_time())
        return True


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
