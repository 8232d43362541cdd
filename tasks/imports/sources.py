"""Programs whose files can be imported, for the command, the API and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext

from core.errors import Invalid
from tasks.imports import todoist
from tasks.imports.plan import ImportPlan


class Parser(Protocol):
    """Parser of one program's files. Raises UnreadableFile."""

    def __call__(
        self, data: bytes, *, today: date, zone: tzinfo, progress: Callable[[int], object] | None = None
    ) -> ImportPlan: ...


SOURCES: Mapping[str, Parser] = {todoist.SOURCE: todoist.parse}


def parse_file(
    source: str, data: bytes, *, now: datetime, time_zone: str, progress: Callable[[int], object] | None = None
) -> ImportPlan:
    """Return the import plan of a file of this program; relative dates count from the day in `time_zone`.

    `progress` is called with the number of rows read so far, every thousand rows.
    Raises Invalid for an unknown program, UnreadableFile for a file that cannot be read.
    """
    if source not in SOURCES:
        known = ", ".join(SOURCES)
        raise Invalid.field(
            "source",
            gettext("Files of this program cannot be imported. Known: %(known)s.") % {"known": known},
            "invalid_choice",
        )
    zone: tzinfo
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = UTC
    return SOURCES[source](data, today=now.astimezone(zone).date(), zone=zone, progress=progress)
