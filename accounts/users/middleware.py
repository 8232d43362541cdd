"""Time zone and language of pages."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from core.api.endpoints import API_PREFIX


class LocaleMiddleware:
    """Activates the user's time zone and language for pages; the API always uses UTC and English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith((API_PREFIX, "/livez", "/readyz", "/health", "/metrics", "/static/")):
            return self.get_response(request)
        # Anonymous users have neither attribute.
        zone = getattr(request.user, "time_zone", "UTC")
        language = getattr(request.user, "language", None) or translation.get_language()
        with timezone.override(zoneinfo.ZoneInfo(zone)), translation.override(language):
            response = self.get_response(request)
            response.setdefault("Content-Language", language)
            return response
