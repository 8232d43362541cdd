"""The client's IP address behind trusted proxies, and its User-Agent (RFC 9110, section 10.1.5)."""

import ipaddress
import re
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop

UNIX_SOCKET = "unix:"
# The first match counts: Edge also claims to be Chrome and Safari, Chrome claims to be Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
OPERATING_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
PRODUCT_TOKEN = re.compile(r"[A-Za-z][\w .+-]{0,38}")
UNKNOWN_DEVICE = gettext_noop("Unknown device")


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


def describe_user_agent(user_agent: str) -> str:
    """Return `Firefox on Linux` for a browser, the program's name (`curl`) otherwise, without versions."""
    is_browser = "Mozilla/" in user_agent
    browser = next((name for sign, name in BROWSERS if is_browser and sign in user_agent), "")
    system = next((name for sign, name in OPERATING_SYSTEMS if sign in user_agent), "")
    if browser:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser
    if system and is_browser:
        return gettext("Browser on %(system)s") % {"system": system}
    program = PRODUCT_TOKEN.match(user_agent.split("/", 1)[0])
    return program[0].strip() if program else gettext(UNKNOWN_DEVICE)
