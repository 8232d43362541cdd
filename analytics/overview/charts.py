"""Charts of the overview as data for SVG: plain shapes, axis labels, a table, and a sentence for screen readers.

Shapes lie in a box of 100 x 100 that the page stretches; colours are CSS classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import formats
from django.utils.translation import gettext

from analytics.overview.results import UserWorkload
from analytics.rollups import histogram

BOX_SIZE = 100.0
# Narrower bars cannot be told apart, or touched, on a phone.
MAX_BARS = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the 100 x 100 box; `css` is its colour class, `title` its tooltip."""

    x: float
    y: float
    width: float
    height: float
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A vertical line with a name and a value, such as a percentile."""

    x: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline in the 100 x 100 box; `css` gives its colour and its dashes."""

    points: str
    css: str
    name: str


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with a name and a value, such as a percentile."""

    y: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of bars, lines or dots; `head` and `rows` are its table, `sentence` its text alternative."""

    sentence: str
    bars: Sequence[Bar] = ()
    ticks: Sequence[AxisTick] = ()
    y_labels: Sequence[str] = ()
    x_labels: Sequence[str] = ()
    legend: Sequence[tuple[str, str]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    grid: Sequence[float] = (0.0, 50.0)
    has_bucket_edges: bool = False
    lines: Sequence[Line] = ()
    levels: Sequence[Level] = ()
    # A path of lines without a length, whose round ends are the dots: circles would become ellipses in the box.
    dots: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(bar.height for bar in self.bars)


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """Created and completed tasks in the days from `start` to `end`."""

    start: date
    end: date
    created: int
    completed: int

    @property
    def name(self) -> str:
        first = formats.date_format(self.start, gettext("j M"))
        return first if self.start == self.end else f"{first} – {formats.date_format(self.end, gettext('j M'))}"


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    workload: UserWorkload
    bars: Sequence[Bar]


def axis_max(highest: int) -> int:
    """Return the end of an axis: even, so that its middle is a whole number, and round when it is large."""
    if highest <= 2:
        return 2
    # The smallest step with at most five of them on the axis.
    step = 2
    for step in (2, 4, 10, 20, 40, 100, 200, 400, 1000, 2000, 4000, 10000):
        if highest <= step * 5:
            break
    # Rounded up: -(-a // b) is the ceiling of a / b.
    return -(-highest // step) * step


def flow_chart(flow: Sequence[FlowPoint]) -> Chart:
    """Return created beside completed tasks: a pair of bars per day, or per week for long periods."""
    # Each point has two bars.
    points = group_by_week(flow) if len(flow) > MAX_BARS // 2 + 1 else list(flow)
    top = axis_max(max((max(point.created, point.completed) for point in points), default=0))
    names = [point.name for point in points]  # only the first, middle and last fit below the axis on a phone
    # Each point has a slot: 12 % space, a bar of 36 %, 4 % space, a bar of 36 %, 12 % space.
    slot = BOX_SIZE / len(points) if points else BOX_SIZE
    bars = []
    for index, point in enumerate(points):
        left = index * slot + slot * 0.12
        for offset, value, css, noun in (
            (0, point.created, "s1", gettext("created")),
            (slot * 0.4, point.completed, "s2", gettext("completed")),
        ):
            bars.append(_vertical_bar(left + offset, slot * 0.36, value / top, css, f"{point.name}: {value} {noun}"))
    created, completed = sum(point.created for point in points), sum(point.completed for point in points)
    if created > completed:
        verdict = gettext("%(number)s more created than completed") % {"number": f"{created - completed:,}"}
    elif created < completed:
        verdict = gettext("%(number)s more completed than created") % {"number": f"{completed - created:,}"}
    else:
        verdict = gettext("as many created as completed")
    counts = {"created": f"{created:,}", "completed": f"{completed:,}", "verdict": verdict}
    sentence = gettext("%(created)s tasks were created and %(completed)s completed: %(verdict)s.") % counts
    if not created and not completed:
        sentence = gettext("No task was created or completed in this period.")
    return Chart(
        sentence=sentence,
        bars=bars,
        y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
        x_labels=names if len(names) <= 3 else [names[0], names[len(names) // 2], names[-1]],
        legend=[("s1", gettext("Created")), ("s2", gettext("Completed"))],
        head=[gettext("When"), gettext("Created"), gettext("Completed")],
        rows=[(point.name, str(point.created), str(point.completed)) for point in points],
    )


def group_by_week(flow: Sequence[FlowPoint]) -> list[FlowPoint]:
    """Sum days by seven, counted back from the last day; the first group may be shorter."""
    groups: list[FlowPoint] = []
    # Backwards, so that the newest week is whole and its bar can be compared.
    for end in range(len(flow), 0, -7):
        days = flow[max(0, end - 7) : end]
        groups.append(
            FlowPoint(
                start=days[0].start,
                end=days[-1].end,
                created=sum(day.created for day in days),
                completed=sum(day.completed for day in days),
            )
        )
    return groups[::-1]


def _vertical_bar(x: float, width: float, share: float, css: str, title: str) -> Bar:
    height = round(share * BOX_SIZE, 2)
    return Bar(round(x, 2), round(BOX_SIZE - height, 2), round(width, 2), height, css, title)


def cycle_time_chart(counts: Sequence[int]) -> Chart:
    """Return the histogram of cycle times, with the percentiles as lines among the bars."""
    used = [bucket for bucket, count in enumerate(counts) if count]
    # One empty bucket on each side of the used ones; all buckets where none is used.
    first, last = (max(0, used[0] - 1), min(len(counts) - 1, used[-1] + 1)) if used else (0, len(counts) - 1)
    buckets = range(first, last + 1)
    slot = BOX_SIZE / len(buckets)
    top = axis_max(max(counts, default=0))
    lower_edges = [histogram.bounds(bucket)[0] for bucket in buckets]
    median, p85 = histogram.percentile(counts, 0.5), histogram.percentile(counts, 0.85)
    sentence = gettext("No task was completed in this period.")
    if median is not None and p85 is not None:
        sentence = gettext(
            "Median %(median)s; %(share)s of the %(count)s completed tasks finished within %(duration)s."
        ) % {
            "median": format_duration(median),
            "share": "85\u00a0%",
            "count": f"{sum(counts):,}",
            "duration": format_duration(p85),
        }
    ticks = []
    for share in (0.5, 0.85, 0.95) if used else ():
        hours = histogram.percentile(counts, share) or 0.0
        bucket = histogram.bucket_of(hours)
        lower, upper = histogram.bounds(bucket)
        # Inside its bar the tick stands in proportion to the hours; the last bucket has no upper bound.
        fraction = (hours - lower) / (upper - lower) if upper else 0.5
        position = min(max(bucket - buckets.start + fraction, 0), len(buckets))
        x = round(position / len(buckets) * BOX_SIZE, 2)
        ticks.append(AxisTick(x=x, name=f"p{round(share * 100)}", value=format_duration(hours)))
    return Chart(
        sentence=sentence,
        bars=[
            _vertical_bar(
                index * slot + slot * 0.06,
                slot * 0.88,
                counts[bucket] / top,
                "s1",
                f"{histogram.label(bucket)}: {counts[bucket]}",
            )
            for index, bucket in enumerate(buckets)
        ],
        ticks=ticks,
        y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
        x_labels=[histogram.format_hours(lower) if lower else "0" for lower in lower_edges],
        has_bucket_edges=True,
        head=[gettext("Cycle time"), gettext("Tasks")],
        rows=[(histogram.label(bucket), str(counts[bucket])) for bucket in buckets],
    )


def format_duration(hours: float | None) -> str:
    """Return hours with at most two digits and a fitting unit: `40 min`, `5.5 h`, `3.2 days`."""
    if hours is None:
        return "–"
    if hours < 1:
        return gettext("%(hours)s min") % {"hours": round(hours * 60)}
    if hours < 24:
        return f"{_two_digits(hours)} h"
    days = _two_digits(hours / 24)
    return (gettext("%(days)s day") if days == "1" else gettext("%(days)s days")) % {"days": days}


def _two_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def sparkline_points(values: Sequence[float]) -> str:
    """Return the points of an SVG polyline in the 100 x 100 box; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    height = (high - low) or 1
    step = BOX_SIZE / (len(values) - 1)
    # 6 % of the box stay free above and below, so that the line is not cut off at its extremes.
    points = ((index * step, 94 - (value - low) / height * 88) for index, value in enumerate(values))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def workload_chart(workloads: Iterable[UserWorkload]) -> list[WorkloadRow]:
    """Return one row per assignee: overdue tasks, then the other open ones; the longest row fills the width."""
    workloads = list(workloads)
    max_open = max((workload.open for workload in workloads), default=0) or 1
    rows = []
    for workload in workloads:
        # Overdue tasks are among the open ones; min() keeps the bars in the box even if the rows are inconsistent.
        overdue = min(workload.overdue, workload.open) / max_open * BOX_SIZE
        on_time = workload.open / max_open * BOX_SIZE - overdue
        overdue_title = gettext("%(name)s: %(overdue)s overdue") % {"name": workload.name, "overdue": workload.overdue}
        on_time_title = gettext("%(name)s: %(overdue)s on time") % {
            "name": workload.name,
            "overdue": workload.open - workload.overdue,
        }
        bars = [
            Bar(0, 0, round(overdue, 2), BOX_SIZE, "s6", overdue_title),
            Bar(round(overdue, 2), 0, round(on_time, 2), BOX_SIZE, "s1", on_time_title),
        ]
        rows.append(WorkloadRow(workload, bars))
    return rows
