"""Response headers: security, caching, ETags, conditional requests and compression."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

from core.api.endpoints import API_PREFIX
from core.api.problems import problem_response
from core.etags import list_etag
from core.http.compression import compress, prepare_content_encoding

API_CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)


# What a response of the API depends on beside the URL; Origin because of CORS.
VARY = ("Accept", "Authorization", "Origin")


def security_headers() -> tuple[tuple[bytes, bytes], ...]:
    """Return the security headers for responses of the gateway; Django adds them to its own."""
    headers = {
        "content-security-policy": API_CONTENT_SECURITY_POLICY,
        "cross-origin-opener-policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": PERMISSIONS_POLICY,
        "referrer-policy": settings.SECURE_REFERRER_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": settings.X_FRAME_OPTIONS,
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


class ResponseHeadersMiddleware:
    """Adds caching rules, ETags and compression, and the headers that Django has no setting for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # setdefault: a view that needs another value has set it already.
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Cache-Control", "private, no-cache")
        is_api = request.path.startswith(API_PREFIX)
        if is_api:
            response.setdefault("Content-Security-Policy", API_CONTENT_SECURITY_POLICY)
            patch_vary_headers(response, VARY)
        if request.method not in {"GET", "HEAD"} or response.status_code != 200:
            return response
        if is_api and "ETag" not in response and not response.streaming:
            response["ETag"] = list_etag(response.content)
        # The encoding is chosen first, because the ETag of a compressed response differs; a body that a condition makes
        # superfluous is not compressed.
        encoding = prepare_content_encoding(request, response)
        etag = response.get("ETag")
        conditional = get_conditional_response(request, etag=etag, response=response) if etag else None
        if conditional is not None and conditional.status_code == 412:
            return problem_response(request, 412)
        if conditional is not None and conditional is not response:
            return conditional
        if encoding:
            compress(response, encoding)
        return response
