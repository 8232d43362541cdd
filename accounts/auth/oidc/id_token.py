"""Verification of ID tokens by Authlib (OpenID Connect Core 1.0, section 3.1.3.7), plus stricter rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import JWSRegistry

from accounts.auth.oidc.errors import OidcError

# How much the clocks may differ, in seconds.
LEEWAY = 30
MAX_AGE = 600
MIN_RSA_BITS = 2048
# Only signatures with a private key. An HMAC could be made by every reader of our client secret.
ALGORITHMS_BY_KEY_TYPE = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
# Unknown header parameters are ignored (RFC 7515, section 4), except critical ones.
JWS_REGISTRY = JWSRegistry(
    algorithms=frozenset(chain.from_iterable(ALGORITHMS_BY_KEY_TYPE.values())), strict_check_header=False
)
JWS_REGISTRY.max_header_length = 4096  # the default of 512 bytes is too small for a certificate
# What joserfc raises for a malformed header or key, besides its own errors.
MALFORMED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
KeyLookup = Callable[[str | None], list[dict[str, Any]]]


def verify(
    token: Any, *, issuer: str, client_id: str, nonce: str, access_token: str, keys: KeyLookup
) -> dict[str, Any]:
    """Return the claims of an ID token. `keys` returns the provider's JWKs with a key id. Raises OidcError."""
    if not isinstance(token, str):
        raise OidcError("no_id_token")
    options = {
        "iss": {"essential": True, "value": issuer},
        "sub": {"essential": True, "validate": lambda _, subject: subject.strip() != ""},
        # Stricter than the standard, which allows other audiences besides us.
        "aud": {"essential": True, "validate": lambda _, audience: audience in (client_id, [client_id])},
        "azp": {"value": client_id},
        "nonce": {"essential": True, "value": nonce},
        # Authlib would skip an empty hash.
        "at_hash": {"validate": lambda _, digest: isinstance(digest, str) and digest != ""},
        # The browser was redirected minutes ago at most, so an older token is from another sign-in.
        "iat": {"essential": True, "validate": lambda _, issued_at: time.time() - issued_at <= MAX_AGE},
    }
    params = {"client_id": client_id, "nonce": nonce, "access_token": access_token}
    try:
        decoded = jwt.decode(token, lambda jws: _select_key(jws.headers(), keys), registry=JWS_REGISTRY)
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=LEEWAY)
    except ClaimError as error:
        raise OidcError(f"id_token_{error.error}_{error.claim}") from error
    except JoseError as error:
        raise OidcError(f"id_token_{error.error}") from error
    except MALFORMED as error:
        raise OidcError("id_token_malformed") from error
    return dict(claims)


def _select_key(header: dict[str, Any], keys: KeyLookup) -> jwk.Key:
    """Return the only published key that fits the header. A key inside the header is ignored."""
    if "crit" in header:
        raise OidcError("critical_header")
    algorithm = header["alg"]
    candidates = [
        key
        for key in keys(header.get("kid"))
        if algorithm in ALGORITHMS_BY_KEY_TYPE.get(str(key.get("kty")), ()) and key.get("alg", algorithm) == algorithm
    ]
    if len(candidates) != 1:
        raise OidcError("unknown_key")
    key = jwk.import_key(candidates[0])
    if isinstance(key, jwk.RSAKey) and key.raw_value.key_size < MIN_RSA_BITS:
        raise OidcError("weak_key")
    return key
