"""The two tokens of a session (RFC 7519), encoded by simplejwt; both name their session in `sid`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import Session
from core.errors import NotSignedIn


@dataclass(frozen=True, slots=True)
class Pair:
    access: str
    refresh: str


def pair_for(session: Session) -> Pair:
    """Return the session's tokens. The refresh token follows from the row alone, so it is always the same one."""
    refresh = _for_session(RefreshToken(), session)
    refresh.set_iat(at_time=session.rotated_at)
    refresh.payload["jti"] = session.refresh_jti
    idle_end = session.rotated_at + settings.REFRESH_IDLE
    refresh.set_exp(from_time=min(idle_end, session.expires_at), lifetime=timedelta())
    return Pair(access=str(_for_session(AccessToken(), session)), refresh=str(refresh))


def _for_session(token: Token, session: Session) -> Token:
    token["sub"] = str(session.user_id)
    token["sid"] = str(session.pk)
    return token


@dataclass(frozen=True, slots=True)
class Claims:
    session_id: uuid.UUID
    user_id: uuid.UUID
    jti: str


def read_access(text: str) -> Claims:
    return _read(AccessToken, text)


def read_refresh(text: str) -> Claims:
    return _read(RefreshToken, text)


def _read(kind: type[Token], text: str) -> Claims:
    """Verify signature, type, issuer, audience and time; all failures are one and the same 401."""
    try:
        token: Any = kind(text)  # type: ignore[arg-type]
        return Claims(uuid.UUID(token["sid"]), uuid.UUID(token["sub"]), str(token["jti"]))
    except (TokenError, KeyError, ValueError, AttributeError, TypeError, OverflowError) as error:
        raise NotSignedIn("The token is not valid.", code="token_not_valid") from error
