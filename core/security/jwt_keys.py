"""Keys that sign tokens: one signs, the previous ones still verify what they have signed.

Invariant: the `kid` selects the key, among ours only; the algorithm comes from the settings, never from the token (RFC
8725, section 3.1).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

ACCESS, REFRESH = "access", "refresh"
# The token type in the header (RFC 8725, section 3.11; RFC 9068, section 2.1).
MEDIA_TYPES = {ACCESS: "at+jwt", REFRESH: "rt+jwt"}
REQUIRED_CLAIMS = ["exp", "iat", "sub", "sid", "jti"]


@dataclass(frozen=True, slots=True)
class SigningKeys:
    signing: str
    previous: tuple[str, ...]

    def for_token(self, headers: Mapping[str, Any]) -> Sequence[str]:
        """Return the key that the token names, or all keys for a token without `kid`."""
        keys = (self.signing, *self.previous)
        if "kid" not in headers:
            return keys
        return [key for key in keys if key_id(key) == headers["kid"]]


@lru_cache(maxsize=64)
def key_id(key: str) -> str:
    """Return the public name of a key: a hash, which reveals nothing of a long random key."""
    digest = hashlib.sha256(b"taskflow key " + key.encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


def signing_keys(rules: Mapping[str, Any]) -> SigningKeys:
    return SigningKeys(rules["SIGNING_KEY"], tuple(rules.get("PREVIOUS_KEYS", ())))


def verify_jwt(token: str | bytes, rules: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    """Return the claims of a valid, current token of this kind. Raises jwt.PyJWTError.

    `rules` is the setting SIMPLE_JWT.
    """
    headers = jwt.get_unverified_header(token)
    if "kid" in headers and headers.get("typ") != MEDIA_TYPES[kind]:
        raise jwt.InvalidTokenError("a token of another kind")
    failure: jwt.PyJWTError = jwt.InvalidKeyError("no key of ours")
    # Only a wrong signature lets the next key try. An expired token of the right key is refused at once.
    for key in signing_keys(rules).for_token(headers):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[rules["ALGORITHM"]],
                audience=rules["AUDIENCE"],
                issuer=rules["ISSUER"],
                options={"require": REQUIRED_CLAIMS},
            )
        except jwt.InvalidSignatureError as error:
            failure = error
            continue
        if claims.get("token_type") != kind:
            raise jwt.InvalidTokenError("a token of another kind")
        return claims
    raise failure
