"""Our side of the authorization code flow: request the authorization, exchange the code, verify the ID token.

Authlib verifies ID tokens (OpenID Connect Core 1.0, section 3.1.3.7); some rules here are stricter.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwk, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import JWSRegistry

from accounts.auth.oidc.provider import Issuer, Metadata, OidcError, fetch_json, get_issuer
from accounts.auth.oidc.services import Identity
from core.clock import current_time
from core.errors import NotFound
from core.text import is_blank, normalize, normalize_email, truncate
from core.validators import UNSAFE_CHARACTERS

SCOPE = "openid email profile"
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH, MAX_SUBJECT_LENGTH = 120, 254, 191


# How much the clocks may differ, in seconds.
LEEWAY = 120
MAX_TOKEN_AGE = 600
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


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration with one provider. A public client has an empty secret."""

    provider_id: str
    name: str
    issuer: Issuer
    client_id: str
    secret: str
    trusts_email: bool
    trusted_audiences: tuple[str, ...]


def provider_names() -> dict[str, str]:
    """Return the display name of each provider by its id."""
    return {provider["provider_id"]: provider["name"] for provider in settings.OIDC_PROVIDERS}


def get_client(provider_id: str) -> Client:
    """Return our client at a provider. Raises NotFound."""
    for provider in settings.OIDC_PROVIDERS:
        if provider["provider_id"] == provider_id:
            return Client(
                provider_id,
                provider["name"],
                issuer=get_issuer(provider["issuer"]),
                client_id=provider["client_id"],
                secret=provider["secret"],
                trusts_email=provider["trusts_email"],
                trusted_audiences=tuple(provider["trusted_audiences"]),
            )
    raise NotFound("There is no such provider.")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The secrets of one sign-in. They stay in the browser's session, so no other browser can finish it."""

    redirect_uri: str
    nonce: str
    code_verifier: str

    @classmethod
    def create(cls, redirect_uri: str) -> AuthorizationRequest:
        """Return a request with a new nonce and code verifier (86 characters, RFC 7636)."""
        return cls(redirect_uri, nonce=secrets.token_urlsafe(32), code_verifier=secrets.token_urlsafe(64))


def authorization_url(client: Client, authorization_request: AuthorizationRequest, state: str) -> str:
    """Return the URL at the provider to redirect the browser to. Raises OidcError, ProviderUnavailable."""
    metadata = client.issuer.executor.run(client.issuer.metadata)
    params = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": authorization_request.redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": authorization_request.nonce,
        "code_challenge": create_s256_code_challenge(authorization_request.code_verifier),
        "code_challenge_method": "S256",
    }
    parts = urlsplit(metadata.authorization_endpoint)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **params})))


def fetch_identity(
    client: Client, authorization_request: AuthorizationRequest, *, code: str, issuer: str | None
) -> Identity:
    """Exchange the code and return the user's identity. `issuer` is the `iss` parameter of the callback (RFC 9207).

    Raises OidcError, ProviderUnavailable.
    """

    def exchange(deadline: float) -> Identity:
        metadata = client.issuer.metadata(deadline)
        # RFC 9207: with several providers, a malicious one could pass off its own code as another's (mix-up attack).
        if issuer != client.issuer.identifier and (issuer is not None or metadata.supports_iss):
            raise OidcError("issuer_mismatch")
        tokens = _exchange_code(client, metadata, authorization_request, code, deadline)
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str):
            raise OidcError("no_access_token")
        claims = verify_id_token(
            tokens.get("id_token"),
            issuer=client.issuer.identifier,
            client_id=client.client_id,
            trusted_audiences=client.trusted_audiences,
            nonce=authorization_request.nonce,
            access_token=access_token,
            keys=lambda kid: client.issuer.keys(deadline, kid),
        )
        # Many providers have the address, or whether it is verified, at the userinfo endpoint only.
        is_complete = "email" in claims and (client.trusts_email or "email_verified" in claims)
        if not is_complete and metadata.userinfo_endpoint:
            userinfo = fetch_json(metadata.userinfo_endpoint, deadline, authorization=f"Bearer {access_token}")
            # OpenID Connect Core 1.0, section 5.3.2: claims of another subject would sign in as somebody else.
            if userinfo.get("sub") != claims["sub"]:
                raise OidcError("another_subject")
            # `email_verified` is about the address that came with it.
            names = ("email", "email_verified", "name") if "email" in userinfo else ("name",)
            claims |= {name: userinfo.get(name) for name in names if name in userinfo or name == "email_verified"}
        return _identity(client, claims)

    return client.issuer.executor.run(exchange)


def _exchange_code(
    client: Client, metadata: Metadata, authorization_request: AuthorizationRequest, code: str, deadline: float
) -> dict[str, Any]:
    """Return the token response. The client authenticates as the provider's metadata say."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": authorization_request.redirect_uri,
        "code_verifier": authorization_request.code_verifier,
        "client_id": client.client_id,
    }
    if not client.secret:
        return fetch_json(metadata.token_endpoint, deadline, form=form)
    if "client_secret_post" in metadata.auth_methods and "client_secret_basic" not in metadata.auth_methods:
        return fetch_json(metadata.token_endpoint, deadline, form=form | {"client_secret": client.secret})
    # RFC 6749, section 2.3.1: both are form-encoded before they become a user name and a password. Authlib doesn't.
    credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
    basic = base64.b64encode(credentials.encode()).decode()
    return fetch_json(metadata.token_endpoint, deadline, form=form, authorization=f"Basic {basic}")


def _identity(client: Client, claims: dict[str, Any]) -> Identity:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if len(subject) > MAX_SUBJECT_LENGTH or "\x00" in subject:
        raise OidcError("invalid_subject")
    email = normalize_email(email) if isinstance(email, str) and len(email) <= MAX_EMAIL_LENGTH else ""
    clean_name = " ".join(UNSAFE_CHARACTERS.sub(" ", name).split()) if isinstance(name, str) else ""
    clean_name = "" if is_blank(clean_name) else truncate(normalize(clean_name), MAX_NAME_LENGTH)
    return Identity(
        provider=client.provider_id,
        subject=subject,
        email=email,
        # Not `bool()`, because some providers send the string "false".
        email_verified=bool(email) and (client.trusts_email or claims.get("email_verified") is True),
        name=clean_name,
    )


def verify_id_token(
    token: Any,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    keys: KeyLookup,
    trusted_audiences: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the claims of an ID token. `keys` returns the provider's JWKs with a key id. Raises OidcError."""
    if not isinstance(token, str):
        raise OidcError("no_id_token")
    options = {
        "iss": {"essential": True, "value": issuer},
        "sub": {"essential": True, "validate": lambda _, subject: subject.strip() != ""},
        # Us alone, or us with audiences that the operator trusts; `azp` is essential with several (section 2).
        "aud": {"essential": True, "validate": lambda _, value: _is_trusted(value, client_id, trusted_audiences)},
        "azp": {"value": client_id},
        "nonce": {"essential": True, "value": nonce},
        # Authlib would skip an empty hash.
        "at_hash": {"validate": lambda _, digest: isinstance(digest, str) and digest != ""},
        # The browser was redirected minutes ago at most, so an older token is from another sign-in.
        "iat": {
            "essential": True,
            "validate": lambda _, issued_at: current_time().timestamp() - issued_at <= MAX_TOKEN_AGE,
        },
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


def _is_trusted(audience: Any, client_id: str, trusted_audiences: tuple[str, ...]) -> bool:
    """Return whether we are among the audiences, and every other one is trusted."""
    audiences = audience if isinstance(audience, list) else [audience]
    return client_id in audiences and all(item in (client_id, *trusted_audiences) for item in audiences)


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
