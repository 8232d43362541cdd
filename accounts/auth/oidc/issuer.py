"""What a provider says about itself (OpenID Connect Discovery 1.0), and the keys it signs with; both remembered a while."""

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
# An ID token that names a key we do not know makes us look again, but not each one.
JWKS_REFRESH_INTERVAL = 10.0
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    auth_methods: tuple[str, ...]
    supports_iss: bool


@dataclass(eq=False)
class Issuer:
    """One provider, by the address in its ID tokens."""

    name: str
    outbound: ProviderExecutor = field(default_factory=ProviderExecutor)
    _metadata: tuple[float, Metadata] | None = None
    _keys: tuple[float, list[dict[str, Any]]] | None = None

    def metadata(self, end: float) -> Metadata:
        known = self._metadata
        if known is None or time.monotonic() - known[0] > METADATA_TTL:
            said = fetch_json(self.name.rstrip("/") + WELL_KNOWN, end)
            if said.get("issuer") != self.name:
                raise OidcError("discovery_issuer_mismatch")
            self._metadata = known = time.monotonic(), _parse_metadata(said, is_local=_is_loopback(self.name))
        return known[1]

    def keys(self, end: float, kid: str | None) -> list[dict[str, Any]]:
        """Return the signing keys of this id, or all where the token names none."""
        known, found = self._keys, []
        age = time.monotonic() - known[0] if known else METADATA_TTL + 1
        if known and age <= METADATA_TTL:
            found = _filter_keys(known[1], kid)
        if known is None or age > METADATA_TTL or (not found and age > JWKS_REFRESH_INTERVAL):
            said = fetch_json(self.metadata(end).jwks_uri, end).get("keys")
            keys = [key for key in said if isinstance(key, dict)] if isinstance(said, list) else []
            self._keys = time.monotonic(), keys
            found = _filter_keys(keys, kid)
        return found


@lru_cache(maxsize=64)
def get_issuer(name: str) -> Issuer:
    return Issuer(name)


def _filter_keys(keys: list[dict[str, Any]], kid: str | None) -> list[dict[str, Any]]:
    return [key for key in keys if key.get("use", "sig") == "sig" and (kid is None or key.get("kid") == kid)]


def _parse_metadata(said: dict[str, Any], *, is_local: bool) -> Metadata:
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        authorization_endpoint=_endpoint(said, "authorization_endpoint", is_local),
        token_endpoint=_endpoint(said, "token_endpoint", is_local),
        jwks_uri=_endpoint(said, "jwks_uri", is_local),
        userinfo_endpoint=_endpoint(said, "userinfo_endpoint", is_local) if "userinfo_endpoint" in said else "",
        auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (),
        supports_iss=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(said: dict[str, Any], name: str, is_local: bool) -> str:
    """Return an address at which a secret may be shown: over TLS, or on this machine if the provider itself is."""
    address = said.get(name)
    if not isinstance(address, str) or not (address.startswith("https://") or (is_local and _is_loopback(address))):
        raise OidcError(f"bad_{name}")
    return address


def _is_loopback(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
