"""The authenticated caller of a request: a session by its access token, or an API key and its networks."""

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
# Callers with IPv6 are known by their /64 only (core.http.client_ip).
MAX_IPV6_PREFIX_LENGTH = 64
IPV4_MAPPED_NETWORK, MAX_IPV4 = ipaddress.IPv6Network("::ffff:0:0/96"), 2**32 - 1


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


def parse_network(text: str) -> Network:
    """Return an address or network in the form that `client_ip` gives addresses: IPv4-mapped IPv6 becomes IPv4.

    Raises ValueError with a message for people.
    """
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise ValueError(f"Not an address or network: {text[:60]}. Write 192.0.2.7 or 192.0.2.0/24.") from error
    if network.version == 4 or network.prefixlen <= MAX_IPV6_PREFIX_LENGTH:
        return network
    if network.subnet_of(IPV4_MAPPED_NETWORK):
        address, prefix_length = int(network.network_address), network.prefixlen - IPV4_MAPPED_NETWORK.prefixlen
        return ipaddress.IPv4Network((address & MAX_IPV4, prefix_length))
    if network.overlaps(IPV4_MAPPED_NETWORK):
        raise ValueError(f"Ambiguous: {network}. Write IPv4 networks like 192.0.2.0/24.")
    return network.supernet(new_prefix=MAX_IPV6_PREFIX_LENGTH)
