"""Time zone and language of a new account: those of the browser or program that creates it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_from_request

from core.time_zones import time_zone_names


@dataclass(frozen=True, slots=True)
class Locale:
    """Time zone and language of an account."""

    time_zone: str = "UTC"
    language: str = "en"


DEFAULT_LOCALE = Locale()


def browser_locale(request: HttpRequest) -> Locale:
    """Return the time zone of the form's hidden field and the language of Accept-Language.

    An unknown time zone becomes UTC: nobody can be asked to correct a hidden field.
    """
    name = request.POST.get("time_zone", "")
    return Locale(name if name in time_zone_names() else DEFAULT_LOCALE.time_zone, accepted_language(request))


def accepted_language(request: HttpRequest) -> str:
    """Return the first language of Accept-Language that the pages have."""
    language = get_language_from_request(request)
    return language if language in dict(settings.LANGUAGES) else DEFAULT_LOCALE.language
