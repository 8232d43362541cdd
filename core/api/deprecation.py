"""A door that is to close says since when it is not to be used, until when it answers, and what to use instead.

Deprecation: RFC 9745. Sunset: RFC 8594. The schema says `deprecated: true`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """`link` is a page for people; `sunset` is empty while nobody has decided when the door closes."""

    since: datetime
    link: str
    sunset: datetime | None = None

    def headers(self) -> list[tuple[str, str]]:
        found = [
            ("Deprecation", f"@{int(self.since.timestamp())}"),
            ("Link", f'<{self.link}>; rel="deprecation"; type="text/html"'),
        ]
        if self.sunset is not None:
            found.append(("Sunset", http_date(self.sunset.timestamp())))
        return found
