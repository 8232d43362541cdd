"""The client's IP address behind trusted proxies, and its User-Agent."""

import ipaddress
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest

UNIX_SOCKET = "unix:"


def client_ip(request: HttpRequest) -> str:
    """Return the client's IP address; an IPv6 address as its /64 network."""
    return resolve_client_ip(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def resolve_client_ip(peer: str, forwarded_for: str) -> str:
    """Return the nearest hop that is not one of TRUSTED_PROXIES, from `X-Forwarded-For` and the peer."""
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    hops.append(peer or UNIX_SOCKET)
    # From the right: each proxy appends the address it sees, and what stands before may be invented by the client.
    while len(hops) > 1 and _is_trusted_proxy(hops[-1]):
        hops.pop()
    try:
        ip = ipaddress.ip_address(hops[-1])
    except ValueError:
        return "0.0.0.0"  # noqa: S104 -- one bucket for everything that is not an address
    if isinstance(ip, ipaddress.IPv6Address):
        # One subscriber gets a /64 network, so its addresses count as one.
        return ip.ipv4_mapped.compressed if ip.ipv4_mapped else str(ipaddress.ip_network((ip, 64), False)[0])
    return str(ip)


def _is_trusted_proxy(address: str) -> bool:
    if address == UNIX_SOCKET:
        return True
    for trusted in settings.TRUSTED_PROXIES:
        if address == trusted:
            return True
        with suppress(ValueError):  # one of both is a name
            if ipaddress.ip_address(address) in ipaddress.ip_network(trusted, strict=False):
                return True
    return False


def user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]
