"""Time zones: their names, and days of a time zone in SQL."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.db import connection
from django.db.models import DateField, DateTimeField, Func, Value

SERVER_KNOWS_ZONE = "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)"


@cache
def time_zone_names() -> frozenset[str]:
    """Return the names of the IANA database that mean the same on each machine."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


@lru_cache(maxsize=1000)
def sql_time_zone(name: str) -> str:
    """Return the time zone for SQL: the name, or today's UTC offset if PostgreSQL does not know the name.

    Distributions ship PostgreSQL without older names, like Japan, that the IANA database still has.
    """
    if name == "UTC":
        return name
    with connection.cursor() as cursor:
        cursor.execute(SERVER_KNOWS_ZONE, [name])
        if cursor.fetchone()[0]:
            return name
    offset = datetime.now(zoneinfo.ZoneInfo(name)).strftime("%z")
    # POSIX counts offsets to the west.
    sign = "-" if offset[0] == "+" else "+"
    return f"<{offset}>{sign}{offset[1:3]}:{offset[3:5]}"


class NextDay(Func):
    """The day after a day."""

    template = "(%(expressions)s::date + 1)"
    output_field = DateField()


class StartOfDay(Func):
    """The first instant of a day in a time zone: `StartOfDay(day, zone)`."""

    template = "(%(expressions)s::text)"
    arg_joiner = "::timestamp AT TIME ZONE "
    output_field = DateTimeField()

    def __init__(self, day: Any, zone: Any) -> None:
        # Django reads a string as the name of a field.
        super().__init__(day, Value(zone) if isinstance(zone, str) else zone)


class LocalDay(Func):
    """The day of an instant in a time zone: `LocalDay(F("created_at"), zone)`."""

    template = "((%(expressions)s)::date)"
    arg_joiner = " AT TIME ZONE "
    output_field = DateField()

    def __init__(self, instant: Any, zone: Any) -> None:
        super().__init__(instant, Value(zone) if isinstance(zone, str) else zone)
