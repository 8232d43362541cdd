"""The keys that sign tokens: one signs, and those before it are still good for what they have signed.

Invariant: which key a token is verified with follows from its `kid`, and only from keys we hold; the algorithm is ours
to say, never the token's (RFC 8725, section 3.1).
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
# What a token is, in its header (RFC 8725, section 3.11; RFC 9068, section 2.1).
MEDIA_TYPES = {ACCESS: "at+jwt", REFRESH: "rt+jwt"}
REQUIRED_CLAIMS = ["exp", "iat", "sub", "sid", "jti"]


@dataclass(frozen=True, slots=True)
class SigningKeys:
    signing: str
    previous: tuple[str, ...]

    def headers(self, kind: str) -> dict[str, str]:
        return {"kid": key_id(self.signing), "typ": MEDIA_TYPES[kind]}

    def for_token(self, headers: Mapping[str, Any]) -> Sequence[str]:
        """Return the one key the token names, or all for one that was signed before keys had names."""
        known = (self.signing, *self.previous)
        if "kid" not in headers:
            return known
        return [key for key in known if key_id(key) == headers["kid"]]


@lru_cache(maxsize=64)
def key_id(key: str) -> str:
    """The name of a key says nothing of it: a hash of what is long and random."""
    digest = hashlib.sha256(b"taskflow key " + key.encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


def signing_keys(rules: Mapping[str, Any]) -> SigningKeys:
    return SigningKeys(rules["SIGNING_KEY"], tuple(rules.get("PREVIOUS_KEYS", ())))


def verify_jwt(token: str | bytes, rules: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    """Return the claims of a good token of this kind, its time included; raises jwt.PyJWTError.

    `rules` is the setting SIMPLE_JWT.
    """
    headers = jwt.get_unverified_header(token)
    if "kid" in headers and headers.get("typ") != MEDIA_TYPES[kind]:
        raise jwt.InvalidTokenError("a token of another kind")
    failure: jwt.PyJWTError = jwt.InvalidKeyError("no key of ours")
    for key in signing_keys(rules).for_token(headers):
        try:
            claims = _decode(token, key, rules)
        except jwt.InvalidSignatureError as error:
            failure = error
            continue
        if claims.get("token_type") != kind:
            raise jwt.InvalidTokenError("a token of another kind")
        return claims
    raise failure


def _decode(token: str | bytes, key: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[rules["ALGORITHM"]],
        audience=rules["AUDIENCE"],
        issuer=rules["ISSUER"],
        options={"require": REQUIRED_CLAIMS},
    )
    return found
