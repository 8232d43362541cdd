"""Limits of single doors (sign-in, registration) by django-ratelimit, answered as 429 with Retry-After."""

from __future__ import annotations

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from core.errors import TooMany


def spend(request: HttpRequest, *, group: str, key: str, rate: str) -> None:
    """Count one use of `group` by `key`; raises TooMany beyond `rate` (`10/5m`)."""
    usage = get_usage(request, group=group, key=lambda _group, _request: key, rate=rate, increment=True)
    if usage and usage["should_limit"]:
        raise TooMany("Too many attempts. Wait a little and try again.", retry_after=max(1, int(usage["time_left"])))
