"""Whose request it is, by its token alone; the check says whether the token's session is alive.

Invariant: a token is verified once (signature, issuer, audience) and remembered; its expiry is compared each time.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict

import jwt
from django.conf import settings

from core.security.claims import Claims
from core.security.jwt_keys import ACCESS, verify_jwt

MAX_TOKENS = 20_000


class JwtCache:
    def __init__(self) -> None:
        self.cached: OrderedDict[bytes, Claims] = OrderedDict()
        self.rules = settings.SIMPLE_JWT

    def read(self, token: bytes) -> Claims | None:
        """Return the claims of a good access token, else None: Django says what is wrong with it."""
        found = self.cached.get(token)
        if found is None:
            found = self._verify(token)
            if found is None:
                return None
            self.cached[token] = found
            if len(self.cached) > MAX_TOKENS:
                self.cached.popitem(last=False)
        return found if time.time() < found.expires_at else None

    def _verify(self, token: bytes) -> Claims | None:
        try:
            claims = verify_jwt(token, self.rules, kind=ACCESS)
            return Claims(str(uuid.UUID(claims["sub"])), str(uuid.UUID(claims["sid"])), float(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            return None
