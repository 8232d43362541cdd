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

from gateway.keys import ACCESS, verified

MOST_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str
    expires_at: float

    @property
    def caller(self) -> str:
        """Under which name the requests are counted."""
        return f"user:{self.user_id}"

    @property
    def reader(self) -> str:
        """Under which name answers are kept."""
        return self.user_id


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
            claims = verified(token, self.rules, kind=ACCESS)
            return Claims(str(uuid.UUID(claims["sub"])), str(uuid.UUID(claims["sid"])), float(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            return None
