"""A sign-in as the provider sees it: the person is sent there, comes back with a code, and the code says who they are."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from accounts.oidc import id_token
from accounts.oidc.issuer import Issuer, Metadata
from accounts.oidc.outbound import ask
from accounts.oidc.refusals import Refused
from accounts.services.identities import Identity
from core.text import NOT_IN_A_NAME

SCOPE = "openid email profile"
MOST_NAME, MOST_EMAIL, MOST_SUBJECT = 120, 254, 191


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to one provider."""

    provider_id: str
    name: str
    issuer: Issuer
    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Errand:
    """What a browser was sent away with. It stays in the session of that browser, so nobody else can come back with it."""

    redirect_uri: str
    nonce: str
    verifier: str

    @classmethod
    def to(cls, redirect_uri: str) -> Errand:
        return cls(redirect_uri, nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(64))

    def kept(self) -> dict[str, str]:
        return asdict(self)


def address_to_go_to(client: Client, errand: Errand, state: str) -> str:
    """Return where to send the browser; raises Refused."""
    endpoint = client.issuer.outbound.hold(client.issuer.metadata).authorization_endpoint
    digest = hashlib.sha256(errand.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": errand.redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": errand.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **asked})))


def identity_of(client: Client, errand: Errand, *, code: str, issuer: str | None) -> Identity:
    """Return who came back with this code. `issuer` is what the browser was told to say it is from; raises Refused."""

    def talk(end: float) -> Identity:
        metadata = client.issuer.metadata(end)
        if issuer != client.issuer.name and (issuer is not None or metadata.names_itself):
            raise Refused("mixed_up")
        said = _exchange(client, metadata, errand, code, end)
        access_token = said.get("access_token")
        if not isinstance(access_token, str):
            raise Refused("no_access_token")
        claims = id_token.read(
            said.get("id_token"),
            issuer=client.issuer.name,
            client_id=client.client_id,
            nonce=errand.nonce,
            access_token=access_token,
            keys=lambda kid: client.issuer.keys(end, kid),
        )
        return _identity(client, claims | _what_else_is_known(claims, metadata, access_token, end))

    return client.issuer.outbound.hold(talk)


def _exchange(client: Client, metadata: Metadata, errand: Errand, code: str, end: float) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": errand.redirect_uri,
        "code_verifier": errand.verifier,
        "client_id": client.client_id,
    }
    if not client.secret:
        return ask(metadata.token_endpoint, end, form=form)
    if "client_secret_post" in metadata.auth_methods and "client_secret_basic" not in metadata.auth_methods:
        return ask(metadata.token_endpoint, end, form=form | {"client_secret": client.secret})
    # RFC 6749, section 2.3.1: both are encoded like a form before they become a user name and a password.
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
    basic = base64.b64encode(pair.encode()).decode()
    return ask(metadata.token_endpoint, end, form=form, authorization=f"Basic {basic}")


def _what_else_is_known(claims: dict[str, Any], metadata: Metadata, access_token: str, end: float) -> dict[str, Any]:
    """Return the address and the name from where many providers keep them, if it is about the same person."""
    if "email" in claims or not metadata.userinfo_endpoint:
        return {}
    said = ask(metadata.userinfo_endpoint, end, authorization=f"Bearer {access_token}")
    if said.get("sub") != claims["sub"]:
        raise Refused("another_person")
    return {name: said[name] for name in ("email", "email_verified", "name") if name in said}


def _identity(client: Client, claims: dict[str, Any]) -> Identity:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if len(subject) > MOST_SUBJECT or "\x00" in subject:
        raise Refused("odd_subject")
    email = email.strip().lower() if isinstance(email, str) and len(email) <= MOST_EMAIL else ""
    return Identity(
        provider=client.provider_id,
        subject=subject,
        email=email,
        # Not `bool()`: there are providers that write "false".
        is_verified=bool(email) and claims.get("email_verified") is True,
        name=" ".join(NOT_IN_A_NAME.sub(" ", name).split())[:MOST_NAME] if isinstance(name, str) else "",
    )
