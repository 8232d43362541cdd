"""A sign-in as the provider sees it: the person is sent there, comes back with a code, and the code says who they are."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from accounts.auth.oidc import id_token
from accounts.auth.oidc.errors import OidcError
from accounts.auth.oidc.http import fetch_json
from accounts.auth.oidc.issuer import Issuer, Metadata
from accounts.auth.oidc.services import Identity
from core.validators import UNSAFE_CHARACTERS

SCOPE = "openid email profile"
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH, MAX_SUBJECT_LENGTH = 120, 254, 191


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to one provider."""

    provider_id: str
    name: str
    issuer: Issuer
    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a browser was sent away with. It stays in the session of that browser, so nobody else can come back with it."""

    redirect_uri: str
    nonce: str
    code_verifier: str

    @classmethod
    def to(cls, redirect_uri: str) -> AuthorizationRequest:
        return cls(redirect_uri, nonce=secrets.token_urlsafe(32), code_verifier=secrets.token_urlsafe(64))

    def to_session(self) -> dict[str, str]:
        return asdict(self)


def authorization_url(client: Client, authorization_request: AuthorizationRequest, state: str) -> str:
    """Return where to send the browser; raises Refused."""
    endpoint = client.issuer.outbound.run(client.issuer.metadata).authorization_endpoint
    digest = hashlib.sha256(authorization_request.code_verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": authorization_request.redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": authorization_request.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **asked})))


def fetch_identity(
    client: Client, authorization_request: AuthorizationRequest, *, code: str, issuer: str | None
) -> Identity:
    """Return who came back with this code. `issuer` is what the browser was told to say it is from; raises Refused."""

    def exchange(end: float) -> Identity:
        metadata = client.issuer.metadata(end)
        if issuer != client.issuer.name and (issuer is not None or metadata.supports_iss):
            raise OidcError("issuer_mismatch")
        data = _exchange_code(client, metadata, authorization_request, code, end)
        access_token = data.get("access_token")
        if not isinstance(access_token, str):
            raise OidcError("no_access_token")
        claims = id_token.verify(
            data.get("id_token"),
            issuer=client.issuer.name,
            client_id=client.client_id,
            nonce=authorization_request.nonce,
            access_token=access_token,
            keys=lambda kid: client.issuer.keys(end, kid),
        )
        return _identity(client, claims | _userinfo_claims(claims, metadata, access_token, end))

    return client.issuer.outbound.run(exchange)


def _exchange_code(
    client: Client, metadata: Metadata, authorization_request: AuthorizationRequest, code: str, end: float
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": authorization_request.redirect_uri,
        "code_verifier": authorization_request.code_verifier,
        "client_id": client.client_id,
    }
    if not client.secret:
        return fetch_json(metadata.token_endpoint, end, form=form)
    if "client_secret_post" in metadata.auth_methods and "client_secret_basic" not in metadata.auth_methods:
        return fetch_json(metadata.token_endpoint, end, form=form | {"client_secret": client.secret})
    # RFC 6749, section 2.3.1: both are encoded like a form before they become a user name and a password.
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
    basic = base64.b64encode(pair.encode()).decode()
    return fetch_json(metadata.token_endpoint, end, form=form, authorization=f"Basic {basic}")


def _userinfo_claims(claims: dict[str, Any], metadata: Metadata, access_token: str, end: float) -> dict[str, Any]:
    """Return the address and the name from where many providers keep them, if it is about the same person."""
    if "email" in claims or not metadata.userinfo_endpoint:
        return {}
    data = fetch_json(metadata.userinfo_endpoint, end, authorization=f"Bearer {access_token}")
    if data.get("sub") != claims["sub"]:
        raise OidcError("another_person")
    return {name: data[name] for name in ("email", "email_verified", "name") if name in data}


def _identity(client: Client, claims: dict[str, Any]) -> Identity:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if len(subject) > MAX_SUBJECT_LENGTH or "\x00" in subject:
        raise OidcError("invalid_subject")
    email = email.strip().lower() if isinstance(email, str) and len(email) <= MAX_EMAIL_LENGTH else ""
    return Identity(
        provider=client.provider_id,
        subject=subject,
        email=email,
        # Not `bool()`: there are providers that write "false".
        is_verified=bool(email) and claims.get("email_verified") is True,
        name=" ".join(UNSAFE_CHARACTERS.sub(" ", name).split())[:MAX_NAME_LENGTH] if isinstance(name, str) else "",
    )
