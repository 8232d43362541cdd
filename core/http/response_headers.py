"""What every answer carries, conditional GET, in which encoding it goes out, and whose address a caller has."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

from core.api.endpoints import API_PREFIX
from core.api.preconditions import list_etag
from core.api.problems import problem_response as problem
from core.http.compression import compress, prepare_content_encoding

API_CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)


# What an answer of the API depends on beside the address; the origin decides which site's scripts may read it.
VARY = ("Accept", "Authorization", "Origin")


def security_headers() -> tuple[tuple[bytes, bytes], ...]:
    """What Django and its middleware give to every other answer."""
    words = {
        "content-security-policy": API_CONTENT_SECURITY_POLICY,
        "cross-origin-opener-policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": PERMISSIONS_POLICY,
        "referrer-policy": settings.SECURE_REFERRER_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": settings.X_FRAME_OPTIONS,
    }
    return tuple((name.encode(), value.encode()) for name, value in words.items())


class ResponseHeadersMiddleware:
    """Add the API's caching rules and ETags, the headers Django has no setting for, and the encoding."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Cache-Control", "private, no-cache")
        of_api = request.path.startswith(API_PREFIX)
        if of_api:
            response.setdefault("Content-Security-Policy", API_CONTENT_SECURITY_POLICY)
            patch_vary_headers(response, VARY)
        if request.method not in {"GET", "HEAD"} or response.status_code != 200:
            return response
        if of_api and "ETag" not in response and not response.streaming:
            response["ETag"] = list_etag(response.content)
        return _conditional_response(request, response)


def _conditional_response(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer 304 or 412 if the caller's condition says so, else with the body in the encoding that suits the caller."""
    encoding = prepare_content_encoding(request, response)
    etag = response.get("ETag")
    answer = (get_conditional_response(request, etag=etag, response=response) if etag else None) or response
    if answer.status_code == 412:
        return problem(request, 412)
    if encoding and answer is response:
        compress(response, encoding)
    return answer
