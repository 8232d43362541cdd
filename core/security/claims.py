import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str
    expires_at: float

    @property
    def caller(self) -> str:
        """Under which name the requests are counted."""
        return f"user:{self.user_id}"

    @property
    def reader(self) -> str:
        """Under which name answers are kept."""
        return self.user_id


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ApiKeyClaims(Claims):
    """`session_id` is the key's own id: a key lives and ends as a session does.

    A service account's key has a limit of its own. A person's counts with what else the person asks: who makes many
    keys may not ask more.
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
    """Whether an address as `address_of` gives it is in one of them; of IPv6 it holds the /64 only."""
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)
