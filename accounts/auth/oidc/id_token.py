"""Who an ID token speaks of: every check of OpenID Connect Core 1.0, section 3.1.3.7, and those that it leaves open."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import jwt

from accounts.auth.oidc.errors import OidcError

# How much the clocks may differ, in seconds.
LEEWAY = 30
MAX_AGE = 600
# Signatures that only the holder of a private key can make. An HMAC could be made by whoever reads our settings.
ALGORITHMS_BY_KEY_TYPE = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
Keys = Callable[[str | None], list[dict[str, Any]]]


def verify(token: Any, *, issuer: str, client_id: str, nonce: str, access_token: str, keys: Keys) -> dict[str, Any]:
    """Return the claims; raises Refused. `keys` gives the provider's keys of one id."""
    if not isinstance(token, str):
        raise OidcError("no_id_token")
    try:
        header = jwt.get_unverified_header(token)
        claims = _decode(token, _key_for(header, keys), issuer=issuer, client_id=client_id)
    except jwt.ExpiredSignatureError as error:
        raise OidcError("expired") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise OidcError(f"id_token_{type(error).__name__}") from error
    _check_audience(claims, client_id)
    _check_freshness(claims)
    if not _matches(claims.get("nonce"), nonce):
        raise OidcError("wrong_nonce")
    if "at_hash" in claims and not _matches(claims["at_hash"], _at_hash(access_token, header["alg"])):
        raise OidcError("wrong_at_hash")
    return claims


def _decode(token: str, key: jwt.PyJWK, *, issuer: str, client_id: str) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=[key.algorithm_name],
        audience=client_id,
        issuer=issuer,
        leeway=LEEWAY,
        options={"require": ["iss", "sub", "aud", "exp", "iat"], "enforce_minimum_key_length": True},
    )


def _key_for(header: dict[str, Any], keys: Keys) -> jwt.PyJWK:
    """Return the one key that the provider publishes for this header; a key within the header is not looked at."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if "crit" in header:
        raise OidcError("critical_header")
    if not any(algorithm in family for family in ALGORITHMS_BY_KEY_TYPE.values()):
        raise OidcError("wrong_algorithm")
    fitting = [
        key
        for key in keys(kid)
        if algorithm in ALGORITHMS_BY_KEY_TYPE.get(str(key.get("kty")), ()) and key.get("alg", algorithm) == algorithm
    ]
    if len(fitting) != 1:
        raise OidcError("unknown_key")
    return jwt.PyJWK(fitting[0], algorithm=algorithm)


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    """It was made for us alone."""
    if claims["aud"] not in (client_id, [client_id]) or claims.get("azp", client_id) != client_id:
        raise OidcError("wrong_audience")
    if not claims["sub"].strip():
        raise OidcError("no_subject")


def _check_freshness(claims: dict[str, Any]) -> None:
    """It was made for this sign-in: the browser was sent away minutes ago at most."""
    if not -LEEWAY <= time.time() - float(claims["iat"]) <= MAX_AGE:
        raise OidcError("stale")


def _matches(said: Any, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())


def _at_hash(access_token: str, algorithm: str) -> str:
    digest = DIGESTS.get(algorithm[2:], hashlib.sha512)(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
