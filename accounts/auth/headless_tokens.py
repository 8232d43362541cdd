"""allauth's API for programs: whoever comes in by it gets the same session and the same two tokens as by ours."""

from __future__ import annotations

import re
import uuid
from typing import Any

from allauth.core import context
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from accounts import policies
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.middleware import SESSION_ID_KEY
from accounts.auth.tokens import read_access
from accounts.models import User
from core.errors import NotAuthenticated
from core.http.client_ip import client_ip, user_agent

# What is left to a program whose person owes a second factor (accounts.standing): to set it up, and what that takes.
MFA_EXEMPT_PATHS = re.compile(
    r"/v1/(?:config|account/(?:authenticators(?:/[a-z-]+)?|password/change)|tokens/refresh"
    r"|auth/(?:session|(?:2fa/|webauthn/)?reauthenticate|email/verify(?:/resend)?))\Z"
)


class SessionTokens(SessionTokenStrategy):
    """allauth's session token carries a person through the steps of signing in, and lives no longer than our session."""

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any]:
        assert isinstance(request.user, User)
        pair = sessions.open_session(
            user=request.user, now=timezone.now(), user_agent=user_agent(request), address=client_ip(request)
        )
        request.session[SESSION_ID_KEY] = str(read_access(pair.access).session_id)
        return {"access_token": pair.access, "refresh_token": pair.refresh}

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = super().lookup_session(session_token)
        row = session.get(SESSION_ID_KEY) if session else None
        if session is None or not row:
            return session
        found = sessions_selectors.get_active_api_session(uuid.UUID(row), timezone.now())
        if found is None:
            session.flush()
            return None
        if found.mfa_setup_required and not MFA_EXEMPT_PATHS.search(context.request.path):
            raise policies.mfa_setup_required_error()
        return session

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        try:
            address = client_ip(context.request)
            pair, _ = sessions.refresh_session(token=refresh_token, now=timezone.now(), address=address)
        except NotAuthenticated:
            return None
        return pair.access, pair.refresh
