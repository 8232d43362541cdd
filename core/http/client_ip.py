import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNIX_SOCKET = "unix:"


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address."""
    return resolve_client_ip(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def resolve_client_ip(peer: str, forwarded_for: str) -> str:
    """Return the nearest hop of the chain `forwarded_for` + peer that is not one of our own proxies."""
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    hops.append(peer or UNIX_SOCKET)
    while len(hops) > 1 and _is_trusted_proxy(hops[-1]):
        hops.pop()
    return _normalize(hops[-1])


def _is_trusted_proxy(address: str) -> bool:
    if address == UNIX_SOCKET:
        return True
    return any(address == trusted or _in_network(address, trusted) for trusted in settings.TRUSTED_PROXIES)


def _in_network(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _normalize(address: str) -> str:
    """Count an IPv6 caller by /64, since that is what one subscriber gets."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 -- one bucket for what is no address
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped.compressed if found.ipv4_mapped else str(ipaddress.ip_network((found, 64), False)[0])
    return str(found)


def user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]
