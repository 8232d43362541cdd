"""Deprecation of endpoints: the headers Deprecation (RFC 9745) and Sunset (RFC 8594).

The OpenAPI document says `deprecated: true`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """When an endpoint was deprecated, and when it will be removed.

    `link` is a page for people; `sunset` is None while the date of removal is open.
    """

    since: datetime
    link: str
    sunset: datetime | None = None

    def headers(self) -> list[tuple[str, str]]:
        headers = [
            ("Deprecation", f"@{int(self.since.timestamp())}"),
            ("Link", f'<{self.link}>; rel="deprecation"; type="text/html"'),
        ]
        if self.sunset is not None:
            headers.append(("Sunset", http_date(self.sunset.timestamp())))
        return headers
