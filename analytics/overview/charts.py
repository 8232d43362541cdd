"""Numbers become drawings: every chart is an SVG of plain shapes, with its words as HTML around it.

Shapes are in a box of 100 x 100 that the page stretches; colours are classes; the sentence says what a
person who cannot see the drawing should know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import formats

from analytics.overview.results import UserWorkload
from analytics.rollups import histogram

BOX_SIZE = 100.0
MAX_BARS = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the 100 x 100 box; `css` is the class that colours it, `title` what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A vertical line with a name, such as a percentile."""

    x: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    sentence: str
    bars: Sequence[Bar] = ()
    marks: Sequence[AxisTick] = ()
    y_labels: Sequence[str] = ()
    x_labels: Sequence[str] = ()
    legend: Sequence[tuple[str, str]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    grid: Sequence[float] = (0.0, 50.0)
    has_bucket_edges: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(bar.height for bar in self.bars)


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """What came in and what went out in the days from `start` to `end`."""

    start: date
    end: date
    created: int
    completed: int

    @property
    def name(self) -> str:
        first = formats.date_format(self.start, "j M")
        return first if self.start == self.end else f"{first} – {formats.date_format(self.end, 'j M')}"


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    load: UserWorkload
    bars: Sequence[Bar]


def axis_max(highest: int) -> int:
    """Return the end of an axis: an even number, so that its middle is whole, and round when it is large."""
    if highest <= 2:
        return 2
    step = 2
    for step in (2, 4, 10, 20, 40, 100, 200, 400, 1000, 2000, 4000, 10000):
        if highest <= step * 5:
            break
    return -(-highest // step) * step


def flow_chart(flows: Sequence[FlowPoint]) -> Chart:
    """Draw created beside completed, one pair of bars per day or per week."""
    shown = group_by_week(flows) if len(flows) > MAX_BARS // 2 + 1 else list(flows)
    top = axis_max(max((max(one.created, one.completed) for one in shown), default=0))
    created, completed = sum(one.created for one in shown), sum(one.completed for one in shown)
    return Chart(
        sentence=_flow_sentence(created, completed),
        bars=[bar for place, one in enumerate(shown) for bar in _flow_bars(one, place, len(shown), top)],
        y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
        x_labels=_axis_labels([one.name for one in shown]),
        legend=[("s1", "Created"), ("s2", "Completed")],
        head=["When", "Created", "Completed"],
        rows=[(one.name, str(one.created), str(one.completed)) for one in shown],
    )


def group_by_week(flows: Sequence[FlowPoint]) -> list[FlowPoint]:
    """Add days up to groups of seven that end with the last day; what is left over leads as a shorter group."""
    groups: list[FlowPoint] = []
    for end in range(len(flows), 0, -7):
        part = flows[max(0, end - 7) : end]
        groups.append(
            FlowPoint(
                start=part[0].start,
                end=part[-1].end,
                created=sum(one.created for one in part),
                completed=sum(one.completed for one in part),
            )
        )
    return groups[::-1]


def _flow_sentence(created: int, completed: int) -> str:
    words = f"{created:,} tasks were created and {completed:,} completed"
    if created > completed:
        return f"{words}: {created - completed:,} more came in than went out."
    if created < completed:
        return f"{words}: {completed - created:,} more went out than came in."
    return f"{words}: as many went out as came in."


def _flow_bars(one: FlowPoint, place: int, count: int, top: int) -> list[Bar]:
    slot = BOX_SIZE / count
    width = slot * 0.36
    left = place * slot + slot * 0.12
    pairs = ((one.created, "s1", "created"), (one.completed, "s2", "completed"))
    return [
        _vertical_bar(left + index * slot * 0.4, width, value / top, css, f"{one.name}: {value} {word}")
        for index, (value, css, word) in enumerate(pairs)
    ]


def _vertical_bar(x: float, width: float, share: float, css: str, title: str) -> Bar:
    height = round(share * BOX_SIZE, 2)
    return Bar(round(x, 2), round(BOX_SIZE - height, 2), round(width, 2), height, css, title)


def cycle_time_chart(counts: Sequence[int]) -> Chart:
    """Draw how long tasks took, with the percentiles as lines where they lie among the bars."""
    used = [bucket for bucket, count in enumerate(counts) if count]
    first, last = (max(0, used[0] - 1), min(len(counts) - 1, used[-1] + 1)) if used else (0, len(counts) - 1)
    shown = range(first, last + 1)
    top = axis_max(max(counts, default=0))
    marks = [_percentile_tick(counts, share, first, len(shown)) for share in (0.5, 0.85, 0.95)] if used else []
    return Chart(
        sentence=_cycle_sentence(counts),
        bars=[_bucket_bar(counts[bucket], bucket, bucket - first, len(shown), top) for bucket in shown],
        marks=marks,
        y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
        x_labels=[_bucket_edge_label(bucket) for bucket in shown],
        has_bucket_edges=True,
        head=["Cycle time", "Tasks"],
        rows=[(histogram.label(bucket), str(counts[bucket])) for bucket in shown],
    )


def _bucket_bar(count: int, bucket: int, place: int, slots: int, top: int) -> Bar:
    slot = BOX_SIZE / slots
    title = f"{histogram.label(bucket)}: {count}"
    return _vertical_bar(place * slot + slot * 0.06, slot * 0.88, count / top, "s1", title)


def _bucket_edge_label(bucket: int) -> str:
    lower, _ = histogram.bounds(bucket)
    return histogram.format_hours(lower) if lower else "0"


def _percentile_tick(counts: Sequence[int], share: float, first: int, slots: int) -> AxisTick:
    hours = histogram.percentile(counts, share) or 0.0
    bucket = histogram.bucket_of(hours)
    lower, upper = histogram.bounds(bucket)
    inside = (hours - lower) / (upper - lower) if upper else 0.5
    place = min(max(bucket - first + inside, 0), slots)
    return AxisTick(x=round(place / slots * BOX_SIZE, 2), name=f"p{round(share * 100)}", value=format_duration(hours))


def _cycle_sentence(counts: Sequence[int]) -> str:
    half, most = histogram.percentile(counts, 0.5), histogram.percentile(counts, 0.85)
    if half is None or most is None:
        return "No task was completed in this time."
    return f"Half of the {sum(counts):,} completed tasks took {format_duration(half)} or less, 85 in 100 {format_duration(most)} or less."


def format_duration(hours: float | None) -> str:
    """Write hours as people say them, to two figures at most: `40 min`, `5.5 h`, `3.2 days`."""
    if hours is None:
        return "–"
    if hours < 1:
        return f"{round(hours * 60)} min"
    if hours < 24:
        return f"{_two_digits(hours)} h"
    days = hours / 24
    return f"{_two_digits(days)} {'day' if _two_digits(days) == '1' else 'days'}"


def _two_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def sparkline_points(values: Sequence[float]) -> str:
    """Return the points of a line through the 100 x 100 box, or nothing when there is no line to draw."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    height = (high - low) or 1
    step = BOX_SIZE / (len(values) - 1)
    points = ((index * step, 94 - (value - low) / height * 88) for index, value in enumerate(values))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def workload_chart(loads: Iterable[UserWorkload]) -> list[WorkloadRow]:
    """Draw one row per person: what is overdue, then the rest of what is open; the longest row fills the width."""
    rows = list(loads)
    longest = max((load.open for load in rows), default=0) or 1
    return [WorkloadRow(load, _horizontal_bars(load, longest)) for load in rows]


def _horizontal_bars(load: UserWorkload, longest: int) -> list[Bar]:
    late = min(load.overdue, load.open) / longest * BOX_SIZE
    rest = load.open / longest * BOX_SIZE - late
    return [
        Bar(0, 0, round(late, 2), BOX_SIZE, "s6", f"{load.name}: {load.overdue} overdue"),
        Bar(round(late, 2), 0, round(rest, 2), BOX_SIZE, "s1", f"{load.name}: {load.open - load.overdue} in time"),
    ]


def _axis_labels(names: Sequence[str]) -> list[str]:
    """Keep the first, middle and last name of an axis: more do not fit a phone."""
    if len(names) <= 3:
        return list(names)
    return [names[0], names[len(names) // 2], names[-1]]
