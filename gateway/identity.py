"""Whose request it is, by its token alone; the check says whether the token's session is alive.

Invariant: a token is verified once (signature, issuer, audience) and remembered; its expiry is compared each time.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass

import jwt
from django.conf import settings

MOST_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str
    expires_at: float


class Tokens:
    def __init__(self) -> None:
        self.known: OrderedDict[bytes, Claims] = OrderedDict()
        self.rules = settings.SIMPLE_JWT

    def read(self, token: bytes) -> Claims | None:
        """Return the claims of a good access token, else None: Django says what is wrong with it."""
        found = self.known.get(token)
        if found is None:
            found = self._verify(token)
            if found is None:
                return None
            self.known[token] = found
            if len(self.known) > MOST_TOKENS:
                self.known.popitem(last=False)
        return found if time.time() < found.expires_at else None

    def _verify(self, token: bytes) -> Claims | None:
        try:
            claims = jwt.decode(
                token,
                self.rules["SIGNING_KEY"],
                algorithms=[self.rules["ALGORITHM"]],
                audience=self.rules["AUDIENCE"],
                issuer=self.rules["ISSUER"],
                options={"require": ["exp", "sub", "sid", "jti"]},
            )
            if claims.get("token_type") != "access":
                return None
            return Claims(str(uuid.UUID(claims["sub"])), str(uuid.UUID(claims["sid"])), float(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            return None
