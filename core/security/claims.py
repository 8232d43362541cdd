"""The authenticated caller of a request: a session by its access token, or an API key."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str
    expires_at: float

    @property
    def caller(self) -> str:
        """The name under which rate limits count."""
        return f"user:{self.user_id}"

    @property
    def reader(self) -> str:
        """The name under which responses are cached."""
        return self.user_id


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ApiKeyClaims(Claims):
    """The claims of an API key. `session_id` is the key's own id: its status is stored like that of a session.

    A service account's key has a rate limit of its own. A user's keys share the user's limit.
    """

    has_own_rate_limit: bool = False
    networks: tuple[Network, ...] = ()

    @property
    def caller(self) -> str:
        return f"key:{self.session_id}" if self.has_own_rate_limit else f"user:{self.user_id}"

    @property
    def reader(self) -> str:
        return f"key:{self.session_id}"

    def admits(self, address: str) -> bool:
        return not self.networks or ip_in_networks(address, self.networks)


def ip_in_networks(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether an address of `client_ip` is in one of the networks."""
    ip = ipaddress.ip_address(address)
    return any(ip in network for network in networks)
