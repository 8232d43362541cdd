"""What every answer carries, conditional GET, in which encoding it goes out, and whose address a caller has."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

from gateway.compression import compress, name_representation
from gateway.preconditions import list_tag
from gateway.problems import API_PREFIX
from gateway.problems import response as problem

UNIX_SOCKET = "unix:"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)


# What an answer of the API depends on beside the address; the origin decides which site's scripts may read it.
VARY = ("Accept", "Authorization", "Origin")


def of_refusals() -> tuple[tuple[bytes, bytes], ...]:
    """What Django and its middleware give to every other answer."""
    words = {
        "content-security-policy": NOTHING,
        "cross-origin-opener-policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": PERMISSIONS,
        "referrer-policy": settings.SECURE_REFERRER_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": settings.X_FRAME_OPTIONS,
    }
    return tuple((name.encode(), value.encode()) for name, value in words.items())


class HeadersMiddleware:
    """Add the API's caching rules and ETags, the headers Django has no setting for, and the encoding."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Cache-Control", "private, no-cache")
        of_api = request.path.startswith(API_PREFIX)
        if of_api:
            response.setdefault("Content-Security-Policy", NOTHING)
            patch_vary_headers(response, VARY)
        if request.method not in {"GET", "HEAD"} or response.status_code != 200:
            return response
        if of_api and "ETag" not in response and not response.streaming:
            response["ETag"] = list_tag(response.content)
        return _represented(request, response)


def _represented(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer 304 or 412 if the caller's condition says so, else with the body in the encoding that suits the caller."""
    encoding = name_representation(request, response)
    etag = response.get("ETag")
    answer = (get_conditional_response(request, etag=etag, response=response) if etag else None) or response
    if answer.status_code == 412:
        return problem(request, 412)
    if encoding and answer is response:
        compress(response, encoding)
    return answer


def client_address(request: HttpRequest) -> str:
    """Return the caller's address."""
    return address_of(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def address_of(peer: str, forwarded_for: str) -> str:
    """Return the nearest hop of the chain `forwarded_for` + peer that is not one of our own proxies."""
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    hops.append(peer or UNIX_SOCKET)
    while len(hops) > 1 and _is_trusted(hops[-1]):
        hops.pop()
    return _normal(hops[-1])


def _is_trusted(address: str) -> bool:
    if address == UNIX_SOCKET:
        return True
    return any(address == trusted or _inside(address, trusted) for trusted in settings.TRUSTED_PROXIES)


def _inside(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _normal(address: str) -> str:
    """Count an IPv6 caller by /64, since that is what one subscriber gets."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 -- one bucket for what is no address
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped.compressed if found.ipv4_mapped else str(ipaddress.ip_network((found, 64), False)[0])
    return str(found)
