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

from accounts import policies, selectors, services
from accounts.browsers import ROW
from accounts.models import User
from accounts.tokens import read_access
from core.errors import NotSignedIn
from gateway.headers import client_address
from gateway.views import user_agent

# What is left to a program whose person owes a second factor (accounts.standing): to set it up, and what that takes.
DOORS_OF_THE_HELD = re.compile(
    r"/v1/(?:config|account/(?:authenticators(?:/[a-z-]+)?|password/change)|tokens/refresh"
    r"|auth/(?:session|(?:2fa/|webauthn/)?reauthenticate|email/verify(?:/resend)?))\Z"
)


class SessionTokens(SessionTokenStrategy):
    """allauth's session token carries a person through the steps of signing in, and lives no longer than our session."""

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any]:
        assert isinstance(request.user, User)
        pair = services.open_session(
            user=request.user, now=timezone.now(), user_agent=user_agent(request), address=client_address(request)
        )
        request.session[ROW] = str(read_access(pair.access).session_id)
        return {"access_token": pair.access, "refresh_token": pair.refresh}

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = super().lookup_session(session_token)
        row = session.get(ROW) if session else None
        if session is None or not row:
            return session
        found = selectors.live_session(uuid.UUID(row), timezone.now())
        if found is None:
            session.flush()
            return None
        if found.owes_factor and not DOORS_OF_THE_HELD.search(context.request.path):
            raise policies.factor_owed()
        return session

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        try:
            address = client_address(context.request)
            pair, _ = services.refresh_session(token=refresh_token, now=timezone.now(), address=address)
        except NotSignedIn:
            return None
        return pair.access, pair.refresh
