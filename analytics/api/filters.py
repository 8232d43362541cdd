from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from analytics.figures import Period
from gateway.fields import Day, Uuid
from gateway.query import Query

DEFAULT_DAYS = 28


class NumbersQuery(Query):
    """Which numbers: of which days, of which project, of whom."""

    start = Day(required=False, help_text=f"First day, in UTC. Without it: {DEFAULT_DAYS} days up to `end`.")
    end = Day(required=False, help_text="Last day, in UTC. Without it: today. At most 366 days in all.")
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key of one project.")
    person = Uuid(required=False, help_text="Only tasks assigned to this person.")


def period_of(wanted: dict[str, Any], today: date) -> Period:
    end = wanted.get("end") or today
    if "start" in wanted:
        return Period.of(wanted["start"], end)
    return Period.ending(end, length=DEFAULT_DAYS)
