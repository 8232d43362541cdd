"""The clock of the database, as this process knows it without a query each time.

Expiry dates, retention periods and due times are set and compared by it, never by the clock of a process: that may be an
hour off, or jump. A connection reads PostgreSQL's when the last reading is older than MAX_AGE, or when the process's own
clock was set meanwhile; in between a clock counts that nobody sets and that goes on while a laptop sleeps. So two processes
differ by half a round trip and by what their quartz drifts in MAX_AGE: a few milliseconds. Before its first connection a
process has its own clock only.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

MAX_AGE = 60.0
# A reading that took longer (in seconds) is used only where there is none yet: its middle is too uncertain.
MAX_ROUND_TRIP = 0.05
# By so many seconds the process's clock may drift in MAX_AGE; a larger difference means that it, or the machine, was set.
MAX_STEP = 1.0
_counter = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
# The database's time when the counter stood at zero; the counter, and the process's own clock, at the last reading.
_origin: datetime | None = None
_synchronised_at = _own_clock_at = float("-inf")


def current_time() -> datetime:
    """Return the time by the database's clock."""
    return timezone.now() if _origin is None else _origin + timedelta(seconds=_counter())


def synchronise(connection: Any) -> None:
    """Read the time over this psycopg connection if that is due; it is in no transaction."""
    global _origin, _synchronised_at, _own_clock_at  # noqa: PLW0603 -- the clock of this process
    before = _counter()
    age = before - _synchronised_at
    was_set = abs(time.time() - _own_clock_at - age) > MAX_STEP
    if age < MAX_AGE and not was_set:
        return
    [seconds] = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    after = _counter()
    _synchronised_at, _own_clock_at = after, time.time()
    if _origin is None or was_set or after - before <= MAX_ROUND_TRIP:
        _origin = datetime.fromtimestamp(seconds, UTC) - timedelta(seconds=(before + after) / 2)
