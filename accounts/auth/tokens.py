"""The access and refresh tokens of a session (RFC 7519). Both have the session in `sid` and their key in `kid`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import Session
from core.errors import NotAuthenticated
from core.security.jwt_keys import ACCESS, MEDIA_TYPES, REFRESH, key_id, verify_jwt


class SigningBackend(TokenBackend):
    """Signs with named keys that can be replaced, and verifies as the gateway does."""

    def __init__(self, kind: str) -> None:
        super().__init__(settings.SIMPLE_JWT["ALGORITHM"], settings.SIMPLE_JWT["SIGNING_KEY"])
        self.kind = kind

    def encode(self, payload: dict[str, Any]) -> str:
        rules = settings.SIMPLE_JWT
        claims = {**payload, "aud": rules["AUDIENCE"], "iss": rules["ISSUER"]}
        headers = {"kid": key_id(rules["SIGNING_KEY"]), "typ": MEDIA_TYPES[self.kind]}
        return jwt.encode(claims, rules["SIGNING_KEY"], algorithm=rules["ALGORITHM"], headers=headers)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims. It verifies always, whatever `verify` says."""
        try:
            return verify_jwt(token, settings.SIMPLE_JWT, kind=self.kind)
        except jwt.PyJWTError as error:
            raise TokenBackendError("Token is invalid") from error


class SessionAccessToken(AccessToken):
    _token_backend = SigningBackend(ACCESS)


class SessionRefreshToken(RefreshToken):
    _token_backend = SigningBackend(REFRESH)


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def issue_tokens(session: Session) -> TokenPair:
    """Return the tokens of a session. The refresh token follows from the row, so it is the same each time."""
    access, refresh = SessionAccessToken(), SessionRefreshToken()
    for token in (access, refresh):
        token["sub"], token["sid"] = str(session.user_id), str(session.pk)
    refresh.set_iat(at_time=session.last_seen_at)
    refresh.payload["jti"] = session.refresh_jti
    idle_end = session.last_seen_at + settings.SESSION_IDLE_TIMEOUT
    refresh.set_exp(from_time=min(idle_end, session.expires_at), lifetime=timedelta())
    return TokenPair(access=str(access), refresh=str(refresh))


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    session_id: uuid.UUID
    user_id: uuid.UUID
    jti: str


def read_refresh(text: str) -> RefreshClaims:
    """Return the claims of a valid refresh token. Raises NotAuthenticated; all failures look the same."""
    try:
        token: Any = SessionRefreshToken(text)  # type: ignore[arg-type]
        return RefreshClaims(uuid.UUID(token["sid"]), uuid.UUID(token["sub"]), str(token["jti"]))
    except (TokenError, KeyError, ValueError, AttributeError, TypeError, OverflowError) as error:
        raise NotAuthenticated("The token is not valid.", code="token_not_valid") from error
