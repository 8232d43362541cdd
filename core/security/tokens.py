"""JSON Web Tokens (RFC 7519): the keys that sign them, their verification, and access tokens read from requests.

One key signs; the previous ones still verify what they have signed. Invariant: the `kid` selects the key, among ours
only; the algorithm comes from the settings, never from the token (RFC 8725, section 3.1).

Gateway and Django verify an access token once per process and remember that its signature is good: that took a
twentieth of the time of an uncached list. Whether the token's session is still active is checked on every request.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings

from core.clock import current_time
from core.security.claims import Claims

ACCESS, REFRESH = "access", "refresh"
# The token type in the header (RFC 8725, section 3.11; RFC 9068, section 2.1).
MEDIA_TYPES = {ACCESS: "at+jwt", REFRESH: "rt+jwt"}
MAX_CACHED_TOKENS = 20_000
REQUIRED_CLAIMS = ["exp", "iat", "sub", "sid", "jti"]


@lru_cache(maxsize=64)
def key_id(key: str) -> str:
    """Return the public name of a key: a hash, which reveals nothing of a long random key."""
    digest = hashlib.sha256(b"taskflow key " + key.encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


def verify_jwt(token: str | bytes, rules: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    """Return the claims of a valid, current token of this kind. Raises jwt.PyJWTError.

    `rules` is the setting SIMPLE_JWT.
    """
    headers = jwt.get_unverified_header(token)
    if "kid" in headers and headers.get("typ") != MEDIA_TYPES[kind]:
        raise jwt.InvalidTokenError("a token of another kind")
    keys = [rules["SIGNING_KEY"], *rules.get("PREVIOUS_KEYS", ())]
    if "kid" in headers:
        keys = [key for key in keys if key_id(key) == headers["kid"]]
    failure: jwt.PyJWTError = jwt.InvalidKeyError("no key of ours")
    # Only a wrong signature lets the next key try. An expired token of the right key is refused at once.
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[rules["ALGORITHM"]],
                audience=rules["AUDIENCE"],
                issuer=rules["ISSUER"],
                # Not `iat`, which RFC 7519 demands no check of, and `exp` below, by the clock that has set it.
                options={"require": REQUIRED_CLAIMS, "verify_iat": False, "verify_exp": False},
            )
        except jwt.InvalidSignatureError as error:
            failure = error
            continue
        if float(claims["exp"]) <= current_time().timestamp():
            raise jwt.ExpiredSignatureError("expired")
        if claims.get("token_type") != kind:
            raise jwt.InvalidTokenError("a token of another kind")
        return claims
    raise failure


def read_access_token(token: bytes) -> Claims | None:
    """Return the claims of a valid access token that has not expired; None for every other text."""
    try:
        rules = settings.SIMPLE_JWT
        claims = _verify(token, rules["SIGNING_KEY"], tuple(rules.get("PREVIOUS_KEYS", ())))
    # A signed token with malformed claims makes uuid.UUID() and float() raise the last three.
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return claims if current_time().timestamp() < claims.expires_at else None


@lru_cache(maxsize=MAX_CACHED_TOKENS)
def _verify(token: bytes, *_keys: object) -> Claims:
    """Verify a token. The keys are part of the cache key, so a replaced key ends what it has signed.

    Errors are not cached, so invalid tokens take no memory.
    """
    claims = verify_jwt(token, settings.SIMPLE_JWT, kind=ACCESS)
    return Claims(str(uuid.UUID(claims["sub"])), str(uuid.UUID(claims["sid"])), float(claims["exp"]))
