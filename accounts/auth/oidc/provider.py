"""A provider: requests to it (with a deadline and a size limit), its metadata and its signing keys.

Metadata (OpenID Connect Discovery 1.0) and keys (JWKS) are cached in the process.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from core import deadline_executor
from core.errors import NotAuthenticated

MAX_RESPONSE_BYTES = 256 * 1024
CHUNK_BYTES = 16 * 1024
METADATA_TTL = 600.0
# The keys are fetched again for an unknown key id, but not for each one.
JWKS_REFRESH_INTERVAL = 10.0
WELL_KNOWN = "/.well-known/openid-configuration"
T = TypeVar("T")


class OidcError(NotAuthenticated):
    """An untrustworthy response of the provider. `code` is the reason, for the log; users read the detail."""

    code = "identity_refused"

    def __init__(self, reason: str, detail: str = "The provider's response can't be trusted.") -> None:
        super().__init__(detail, code=reason)


class ProviderUnavailable(OidcError):
    """No response of the provider in time."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "The provider is not responding. Try again in a moment, or sign in another way.")


class ProviderExecutor(deadline_executor.DeadlineExecutor):
    """Runs the requests to one provider within `settings.OIDC_TIMEOUT`."""

    def __init__(self) -> None:
        super().__init__(lambda: settings.OIDC_TIMEOUT)

    def run(self, call: Callable[[float], T], cancel: Callable[[], Any] = deadline_executor.no_op) -> T:
        """Return the result of `call(deadline)`. Raises ProviderUnavailable, and what the call raises."""
        try:
            return super().run(call, cancel)
        except deadline_executor.NoResponse as error:
            raise ProviderUnavailable(error.reason) from None


def fetch_json(
    url: str, deadline: float, *, form: dict[str, str] | None = None, authorization: str = ""
) -> dict[str, Any]:
    """Return the JSON object at `url`; a form is sent by POST. The deadline is on the monotonic clock.

    Raises ProviderUnavailable for an outage or a late response, and OidcError for any other response.
    """
    timeout = deadline - time.monotonic()
    if timeout <= 0:
        raise ProviderUnavailable("timeout")
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    try:
        with (
            requests.Session() as session,
            session.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers=headers,
                auth=lambda prepared: prepared,  # none: without an `auth`, requests looks for a password in ~/.netrc
                timeout=timeout,
                allow_redirects=False,  # a redirect could take our secret, or the code, to another server
                stream=True,
            ) as response,
        ):
            body, status = _read_body(response, deadline), response.status_code
    except (requests.RequestException, HTTPError) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    if status != 200:
        raise ProviderUnavailable("failed") if status >= 500 else OidcError(f"status_{status}")
    try:
        data = orjson.loads(body)
    except ValueError as error:
        raise OidcError("not_json") from error
    if not isinstance(data, dict):
        raise OidcError("not_an_object")
    return data


def _read_body(response: requests.Response, deadline: float) -> bytes:
    """Return the decompressed body. Raises OidcError if it is too long, ProviderUnavailable if it is late.

    `read1` returns after each packet, so a server that sends one byte at a time can't delay the check of the deadline.
    """
    body = b""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise OidcError("too_long")
        if time.monotonic() > deadline:
            raise ProviderUnavailable("timeout")
    return body


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the provider's metadata that we use. `userinfo_endpoint` is empty if there is none."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    auth_methods: tuple[str, ...]
    supports_iss: bool


@dataclass(eq=False)
class Issuer:
    """One provider. `identifier` is its URL as in the `iss` claim."""

    identifier: str
    executor: ProviderExecutor = field(default_factory=ProviderExecutor)
    _metadata: tuple[float, Metadata] | None = None
    _jwks: tuple[float, list[dict[str, Any]]] | None = None

    def metadata(self, deadline: float) -> Metadata:
        """Return the metadata. Raises OidcError, ProviderUnavailable."""
        cached = self._metadata
        if cached is not None and time.monotonic() - cached[0] <= METADATA_TTL:
            return cached[1]
        data = fetch_json(self.identifier.rstrip("/") + WELL_KNOWN, deadline)
        # Without this check one provider could answer in the name of another.
        if data.get("issuer") != self.identifier:
            raise OidcError("discovery_issuer_mismatch")
        is_local = _is_loopback(self.identifier)
        auth_methods = data.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        metadata = Metadata(
            authorization_endpoint=_endpoint(data, "authorization_endpoint", is_local),
            token_endpoint=_endpoint(data, "token_endpoint", is_local),
            jwks_uri=_endpoint(data, "jwks_uri", is_local),
            userinfo_endpoint=_endpoint(data, "userinfo_endpoint", is_local) if "userinfo_endpoint" in data else "",
            auth_methods=tuple(map(str, auth_methods)) if isinstance(auth_methods, list) else (),
            supports_iss=data.get("authorization_response_iss_parameter_supported") is True,
        )
        self._metadata = time.monotonic(), metadata
        return metadata

    def keys(self, deadline: float, kid: str | None) -> list[dict[str, Any]]:
        """Return the signing keys (JWKs) with this id, or all if it is None. Raises OidcError, ProviderUnavailable."""
        cached, matching = self._jwks, []
        age = time.monotonic() - cached[0] if cached else METADATA_TTL + 1
        if cached and age <= METADATA_TTL:
            matching = _filter_keys(cached[1], kid)
        if cached is None or age > METADATA_TTL or (not matching and age > JWKS_REFRESH_INTERVAL):
            jwks = fetch_json(self.metadata(deadline).jwks_uri, deadline).get("keys")
            keys = [key for key in jwks if isinstance(key, dict)] if isinstance(jwks, list) else []
            self._jwks = time.monotonic(), keys
            matching = _filter_keys(keys, kid)
        return matching


@lru_cache(maxsize=64)
def get_issuer(identifier: str) -> Issuer:
    """Return the issuer, the same object (and cache) each time."""
    return Issuer(identifier)


def _filter_keys(keys: list[dict[str, Any]], kid: str | None) -> list[dict[str, Any]]:
    return [key for key in keys if key.get("use", "sig") == "sig" and (kid is None or key.get("kid") == kid)]


def _endpoint(data: dict[str, Any], name: str, is_local: bool) -> str:
    """Return an endpoint's URL. Raises OidcError unless it may receive secrets.

    It must use TLS, or be on this machine if the provider itself is.
    """
    url = str(data.get(name))
    try:
        host = urlsplit(url).hostname
    except ValueError:  # for a malformed IPv6 address
        host = None
    if not host or not (url.startswith("https://") or (is_local and _is_loopback(url))):
        raise OidcError(f"bad_{name}")
    return url


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
