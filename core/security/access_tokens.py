"""Access tokens read from requests: verified once per process and remembered until they expire.

The gateway and Django share this memory. Verifying a token took a twentieth of the time of an uncached list. What is
remembered is only that the signature is good; whether the token's session is still active is checked on every request.
"""

from __future__ import annotations

import time
import uuid
from functools import lru_cache

import jwt
from django.conf import settings

from core.security.claims import Claims
from core.security.jwt_keys import ACCESS, SigningKeys, signing_keys, verify_jwt

MAX_CACHED_TOKENS = 20_000


def read_access_token(token: bytes) -> Claims | None:
    """Return the claims of a valid access token that has not expired; None for every other text."""
    try:
        claims = _verify(token, signing_keys(settings.SIMPLE_JWT))
    # A signed token with malformed claims makes uuid.UUID() and float() raise the last three.
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return claims if time.time() < claims.expires_at else None


@lru_cache(maxsize=MAX_CACHED_TOKENS)
def _verify(token: bytes, _keys: SigningKeys) -> Claims:
    """Verify a token. The keys are part of the cache key, so a replaced key ends what it has signed.

    Errors are not cached, so invalid tokens take no memory.
    """
    claims = verify_jwt(token, settings.SIMPLE_JWT, kind=ACCESS)
    return Claims(str(uuid.UUID(claims["sub"])), str(uuid.UUID(claims["sid"])), float(claims["exp"]))
