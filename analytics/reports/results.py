"""Input and result of a report: plain values that need no further queries."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias

from django.utils import formats
from django.utils.translation import gettext

from accounts.models import User
from analytics.overview.results import Scope
from core.time_zones import sql_time_zone
from tasks.models import Project, SavedFilter

# Whole weeks, so that no first group is shorter than the others.
RANGES = {"28": "4 weeks", "84": "12 weeks", "182": "26 weeks", "364": "52 weeks"}
DEFAULT_RANGE = "84"
# More daily marks cannot be told apart on a phone; longer periods have one for each week.
MAX_DAILY_MARKS = 31
MAX_REMAINING = 100_000
MAX_PEOPLE = 1000

Value: TypeAlias = str | int | float | date | None
Kind: TypeAlias = Literal["text", "task", "day", "count", "hours", "minutes"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day or week of a chart, first and last day included."""

    start: date
    end: date

    @property
    def name(self) -> str:
        first = formats.date_format(self.start, gettext("j M"))
        return first if self.start == self.end else f"{first} – {formats.date_format(self.end, gettext('j M'))}"


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The last days up to today in the reader's time zone."""

    today: date
    length: int
    zone: str

    @property
    def start(self) -> date:
        return self.today - timedelta(days=self.length - 1)

    @property
    def start_instant(self) -> datetime:
        """The first instant of the period."""
        return self.instant(self.start)

    @property
    def sql_zone(self) -> str:
        return sql_time_zone(self.zone)

    def instant(self, day: date) -> datetime:
        """Return the first instant of a day, in UTC."""
        return datetime.combine(day, time(), tzinfo=zoneinfo.ZoneInfo(self.zone)).astimezone(UTC)

    def buckets(self) -> list[Bucket]:
        """Return the days of a short period, else the weeks, counted back from today."""
        step = 1 if self.length <= MAX_DAILY_MARKS else 7
        ends = [self.today - timedelta(days=back) for back in range(0, self.length, step)]
        return [Bucket(end - timedelta(days=step - 1), end) for end in reversed(ends)]


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Validated input of a report; `remaining` and `people` are the what-if of the forecast."""

    user: User
    scope: Scope
    period: ReportPeriod
    now: datetime
    project: Project | None = None
    saved_filter: SavedFilter | None = None
    remaining: int | None = None
    people: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table. Hours and minutes are durations on the page, numbers elsewhere."""

    name: str
    label: str
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class Figure:
    """A single number of a report, with the text that the page shows."""

    name: str
    label: str
    value: Value
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Table, figures and the sentence that states the finding.

    `row_count` is the number of all rows, of which `rows` has the first. `detail` is what only the charts need.
    """

    finding: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    figures: Sequence[Figure] = ()
    row_count: int | None = None
    detail: Any = None
    all_rows: Callable[[], Iterator[Sequence[Value]]] | None = None

    @property
    def total_rows(self) -> int:
        return len(self.rows) if self.row_count is None else self.row_count

    def export_rows(self) -> Iterator[Sequence[Value]]:
        """Yield all rows, also those that a page leaves out."""
        return self.all_rows() if self.all_rows else iter(self.rows)
