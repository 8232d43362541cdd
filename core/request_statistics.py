"""Requests by minute, route, status and duration, counted in Redis.

A minute is one hash, `ops:requests:<minutes since 1970>`, to which all processes of all nodes add. Its fields are
`<route>|<bucket>` for durations and `<route>|s<status class>` for statuses from 400 on; 429 and 503 are counted
besides as `<route>|<status>`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# Upper bounds in seconds, each 1.41 times the one before: 1 ms to 16 s. What is slower has the last bucket.
BOUNDS = tuple(0.001 * math.sqrt(2) ** step for step in range(29))
BUCKET_COUNT = len(BOUNDS) + 1
# Seconds that a minute stays in Redis, which is well beyond the time of its roll-up to the database.
LIFETIME = 3 * 3600
SEPARATE_STATUSES = (429, 503)


def redis_key(minute: int) -> str:
    return f"ops:requests:{minute}"


def bucket_of(seconds: float) -> int:
    """Return the index of the bucket of a duration."""
    return bisect_left(BOUNDS, seconds)


def status_fields(route: str, status: int) -> list[str]:
    """Return the fields of a minute's hash that count a status; none for success."""
    fields = [f"{route}|s{status // 100}"] if status >= 400 else []
    return [*fields, f"{route}|{status}"] if status in SEPARATE_STATUSES else fields


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """Return a duration in seconds that `share` of the requests did not exceed; None without requests.

    It is interpolated within its bucket, whose ends are at most 41 % apart.
    """
    rank = share * sum(buckets)
    if not rank:
        return None
    below = 0
    for index, count in enumerate(buckets):
        if count and below + count >= rank:
            high = BOUNDS[min(index, len(BOUNDS) - 1)]
            low = BOUNDS[index - 1] if index else 0.0
            return low + (high - low) * (rank - below) / count
        below += count
    return BOUNDS[-1]


@dataclass(slots=True)
class RequestCounts:
    """Requests of one route or of all: how long they took, and how many failed."""

    buckets: list[int] = field(default_factory=lambda: [0] * BUCKET_COUNT)
    client_errors: int = 0
    server_errors: int = 0
    rate_limited: int = 0
    shed: int = 0

    @property
    def total(self) -> int:
        return sum(self.buckets)

    @property
    def seconds_spent(self) -> float:
        """Return about how long all of them took together."""
        return sum(count * bound for count, bound in zip(self.buckets, (*BOUNDS, 2 * BOUNDS[-1]), strict=True))

    def add(self, other: RequestCounts) -> None:
        self.buckets = [own + added for own, added in zip(self.buckets, other.buckets, strict=True)]
        self.client_errors += other.client_errors
        self.server_errors += other.server_errors
        self.rate_limited += other.rate_limited
        self.shed += other.shed

    def percentile_ms(self, share: float) -> float | None:
        """Return a percentile of the durations in milliseconds."""
        seconds = percentile(self.buckets, share)
        return None if seconds is None else round(seconds * 1000, 1)


ATTRIBUTES = {"s4": "client_errors", "s5": "server_errors", "429": "rate_limited", "503": "shed"}


def counts_by_route(fields: Mapping[str, str]) -> dict[str, RequestCounts]:
    """Return the counts of one minute's hash by route."""
    routes: dict[str, RequestCounts] = {}
    for name, value in fields.items():
        route, _, kind = name.rpartition("|")
        counts = routes.setdefault(route, RequestCounts())
        # `429` and `503` are statuses, numbers below BUCKET_COUNT are buckets.
        if attribute := ATTRIBUTES.get(kind):
            setattr(counts, attribute, getattr(counts, attribute) + int(value))
        elif kind.isdecimal() and int(kind) < BUCKET_COUNT:
            counts.buckets[int(kind)] += int(value)
    return routes


def total_of(parts: Iterable[RequestCounts]) -> RequestCounts:
    """Return the sum of counts."""
    total = RequestCounts()
    for part in parts:
        total.add(part)
    return total
