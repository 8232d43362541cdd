"""Our side of the authorization code flow: build the authorization request, exchange the code, read the claims."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from accounts.auth.oidc import id_token
from accounts.auth.oidc.errors import OidcError
from accounts.auth.oidc.http import fetch_json
from accounts.auth.oidc.issuer import Issuer, Metadata
from accounts.auth.oidc.services import Identity
from core.text import is_blank, normalize, truncate
from core.validators import UNSAFE_CHARACTERS

SCOPE = "openid email profile"
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH, MAX_SUBJECT_LENGTH = 120, 254, 191


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration with one provider. A public client has an empty secret."""

    provider_id: str
    name: str
    issuer: Issuer
    client_id: str
    secret: str


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
        if issuer != client.issuer.identifier and (issuer is not None or metadata.supports_iss):
            raise OidcError("issuer_mismatch")
        tokens = _exchange_code(client, metadata, authorization_request, code, deadline)
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str):
            raise OidcError("no_access_token")
        claims = id_token.verify(
            tokens.get("id_token"),
            issuer=client.issuer.identifier,
            client_id=client.client_id,
            nonce=authorization_request.nonce,
            access_token=access_token,
            keys=lambda kid: client.issuer.keys(deadline, kid),
        )
        # Many providers have the address and the name at the userinfo endpoint only.
        if "email" not in claims and metadata.userinfo_endpoint:
            claims |= _userinfo_claims(metadata.userinfo_endpoint, claims["sub"], access_token, deadline)
        return _identity(client.provider_id, claims)

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


def _userinfo_claims(endpoint: str, subject: str, access_token: str, deadline: float) -> dict[str, Any]:
    """Return the address and the name from the userinfo endpoint. Raises OidcError if the subject is another."""
    data = fetch_json(endpoint, deadline, authorization=f"Bearer {access_token}")
    if data.get("sub") != subject:
        raise OidcError("another_subject")
    return {name: data[name] for name in ("email", "email_verified", "name") if name in data}


def _identity(provider_id: str, claims: dict[str, Any]) -> Identity:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if len(subject) > MAX_SUBJECT_LENGTH or "\x00" in subject:
        raise OidcError("invalid_subject")
    email = email.strip().lower() if isinstance(email, str) and len(email) <= MAX_EMAIL_LENGTH else ""
    clean_name = " ".join(UNSAFE_CHARACTERS.sub(" ", name).split()) if isinstance(name, str) else ""
    clean_name = "" if is_blank(clean_name) else truncate(normalize(clean_name), MAX_NAME_LENGTH)
    return Identity(
        provider=provider_id,
        subject=subject,
        email=email,
        # Not `bool()`, because some providers send the string "false".
        email_verified=bool(email) and claims.get("email_verified") is True,
        name=clean_name,
    )
