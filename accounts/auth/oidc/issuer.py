"""A provider's metadata (OpenID Connect Discovery 1.0) and signing keys (JWKS), cached in the process."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from accounts.auth.oidc.errors import OidcError
from accounts.auth.oidc.http import ProviderExecutor, fetch_json

METADATA_TTL = 600.0
# The keys are fetched again for an unknown key id, but not for each one.
JWKS_REFRESH_INTERVAL = 10.0
WELL_KNOWN = "/.well-known/openid-configuration"


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
