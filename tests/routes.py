"""Every path outside the API, read from the URL resolver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from tests.api_operations import API_PREFIX

ADMIN_PREFIX = "/admin/"


class Route(NamedTuple):
    path: str
    view: Any


def page_paths() -> list[str]:
    """Return the path of each page once, without the leading slash."""
    others = (API_PREFIX, ADMIN_PREFIX)
    return sorted({route.path.removeprefix("/") for route in routes() if not route.path.startswith(others)})


def admin_paths() -> list[str]:
    return [route.path for route in routes() if route.path.startswith(ADMIN_PREFIX)]


def routes() -> Iterator[Route]:
    return _walk(get_resolver().url_patterns, "/")


def _walk(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield Route(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path), getattr(pattern.callback, "view_class", None))
