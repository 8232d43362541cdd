"""Charts of the reports as data for SVG: lines, dots and rows of bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext

from analytics.overview.charts import (
    BOX_SIZE,
    Bar,
    Chart,
    FlowPoint,
    Level,
    Line,
    axis_max,
    flow_chart,
    format_duration,
)
from analytics.reports.people import format_minutes
from analytics.reports.results import Bucket, Column, Report, ReportQuery, Value

# Hours below an hour are drawn as one: nobody plans by minutes, and the axis is logarithmic.
MIN_HOURS = 1.0
# More bars say no more, and hundreds of rows are for the file; the page says how many there are.
MAX_BARS = 50
MAX_TABLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, with a link for a task."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class BarRow:
    """A named bar with its value beside it."""

    name: str
    url: str
    bars: Sequence[Bar]
    note: str


def table_rows(report: Report) -> list[list[Cell]]:
    """Return the rows as the page shows them."""
    return [
        [_cell(column, value) for column, value in zip(report.columns, row, strict=True)]
        for row in report.rows[:MAX_TABLE_ROWS]
    ]


def _cell(column: Column, value: Value) -> Cell:
    if column.kind == "task" and value:
        return Cell(str(value), reverse("task-detail", args=[value]))
    if isinstance(value, date):
        return Cell(formats.date_format(value, gettext("j M Y")))
    if column.kind == "hours" and isinstance(value, (int, float)):
        return Cell(format_duration(value))
    if column.kind == "minutes" and isinstance(value, int):
        return Cell(format_minutes(value))
    return Cell(f"{value:,}" if isinstance(value, (int, float)) else str(value or "–"))


def report_chart(name: str, report: Report, query: ReportQuery) -> Chart | None:
    """Return the chart of a report; None where there is nothing to draw, or bars beside names say it."""
    build = CHARTS.get(name)
    return build(report, query) if build else None


def _throughput(report: Report, _query: ReportQuery) -> Chart | None:
    points = [FlowPoint(start, end, created, completed) for start, end, created, completed, _ in _rows(report)]
    chart = flow_chart(points)
    return None if chart.is_empty else replace(chart, sentence=report.finding, head=(), rows=())


def _lines(names: Sequence[str]) -> Callable[[Report, ReportQuery], Chart | None]:
    """Return a chart with a line for each of the table's first columns of counts."""

    def build(report: Report, _query: ReportQuery) -> Chart | None:
        rows = _rows(report)
        top = axis_max(max(max(row[2 : 2 + len(names)]) for row in rows))
        if not any(any(row[2 : 2 + len(names)]) for row in rows):
            return None
        step = BOX_SIZE / (len(rows) - 1)
        lines = []
        for index, name in enumerate(names):
            points = " ".join(
                f"{n * step:.2f},{BOX_SIZE - row[2 + index] / top * BOX_SIZE:.2f}" for n, row in enumerate(rows)
            )
            lines.append(Line(points, f"line-{index + 1}", f"{name}: {rows[-1][2 + index]:,}"))
        return Chart(
            sentence=report.finding,
            lines=lines,
            y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
            x_labels=_x_labels([row[1] for row in rows]),
        )

    return build


def _scatter(report: Report, query: ReportQuery) -> Chart | None:
    if not report.rows:
        return None
    hours = [max(MIN_HOURS, row[3]) for row in _rows(report)]
    # From an hour to the next power of two above the slowest, in equal steps of the logarithm.
    top = 2 ** math.ceil(math.log2(max(*hours, 4.0)))
    period = query.period

    def y(value: float) -> float:
        return round(BOX_SIZE - math.log(max(MIN_HOURS, value)) / math.log(top) * BOX_SIZE, 2)

    dots = " ".join(
        f"M{((row[0] - period.start).days + 0.5) / period.length * BOX_SIZE:.2f} {y(row[3]):.2f}h0"
        for row in _rows(report)
    )
    days = [period.start, period.start + (period.today - period.start) / 2, period.today]
    return Chart(
        sentence=report.finding,
        dots=dots,
        levels=[
            Level(y(value), name, format_duration(value)) for name, value in report.detail.items() if value is not None
        ],
        y_labels=[format_duration(top), format_duration(math.sqrt(top)), "1 h"],
        x_labels=[formats.date_format(day, gettext("j M")) for day in days],
    )


def _bars(column: int, css: str, text: Callable[[Any], str]) -> Callable[[Report, ReportQuery], Chart | None]:
    """Return a bar chart of one column of the table."""

    def build(report: Report, _query: ReportQuery) -> Chart | None:
        rows = _rows(report)
        highest = max((row[column] for row in rows), default=0)
        if not highest:
            return None
        top = axis_max(math.ceil(highest))
        slot = BOX_SIZE / len(rows)
        bars = [
            Bar(
                round(index * slot + slot * 0.12, 2),
                round(BOX_SIZE - row[column] / top * BOX_SIZE, 2),
                round(slot * 0.76, 2),
                round(row[column] / top * BOX_SIZE, 2),
                css,
                f"{Bucket(row[0], row[1]).name}: {text(row[column])}",
            )
            for index, row in enumerate(rows)
        ]
        return Chart(
            sentence=report.finding,
            bars=bars,
            y_labels=[text(top), text(top // 2), text(0)],
            x_labels=_x_labels([row[1] for row in rows]),
        )

    return build


def _rows(report: Report) -> list[Any]:
    return list(report.rows)


def _x_labels(days: Sequence[date]) -> list[str]:
    # Only the first, middle and last fit below the axis on a phone.
    chosen = days if len(days) <= 3 else [days[0], days[len(days) // 2], days[-1]]
    return [formats.date_format(day, gettext("j M")) for day in chosen]


def _calibration(report: Report, _query: ReportQuery) -> Chart | None:
    """Return the completed counts as bars, and what was promised as lines."""
    rows = _rows(report)
    if not rows:
        return None
    top = axis_max(max(max(row[1:4]) for row in rows))
    slot = BOX_SIZE / len(rows)

    def height(count: int) -> float:
        return round(count / top * BOX_SIZE, 2)

    names = (gettext("Promised with 50 %"), gettext("Promised with 85 %"))
    return Chart(
        sentence=report.finding,
        bars=[
            Bar(
                round(index * slot + slot * 0.12, 2),
                BOX_SIZE - height(row[1]),
                round(slot * 0.76, 2),
                height(row[1]),
                "s1",
                f"{formats.date_format(row[0], gettext('j M'))}: {row[1]:,}",
            )
            for index, row in enumerate(rows)
        ],
        lines=[
            Line(
                " ".join(
                    f"{(n + 0.5) * slot:.2f},{BOX_SIZE - height(row[2 + index]):.2f}" for n, row in enumerate(rows)
                ),
                f"line-{index + 2}",
                name,
            )
            for index, name in enumerate(names)
        ],
        legend=[("s1", gettext("Completed in 4 weeks"))],
        y_labels=[f"{top:,}", f"{top // 2:,}", "0"],
        x_labels=_x_labels([row[0] for row in rows]),
    )


CHARTS: dict[str, Callable[[Report, ReportQuery], Chart | None]] = {
    "throughput": _throughput,
    "burndown": _lines(("Scope", "Completed", "Remaining")),
    "cumulative-flow": _lines(("Arrived", "Started", "Closed")),
    "cycle-time": _scatter,
    "lead-time": _scatter,
    "time": _bars(2, "s1", format_minutes),
    "calibration": _calibration,
    "forecast": _bars(2, "s1", lambda share: f"{share:g} %"),
}


def bar_rows(name: str, report: Report, query: ReportQuery) -> list[BarRow]:
    """Return the bars beside names: of tasks by age, of people by load or time."""
    project = f"&project={query.project.key}" if query.project else ""
    rows: list[tuple[str, str, list[tuple[float, str]], str]] = []
    if name == "ageing":
        late = report.detail["p85"]
        for key, title, hours in _rows(report):
            css = "s6" if late is not None and hours > late else "s1"
            url = reverse("task-detail", args=[key]) if key else ""
            rows.append((f"{key} {title}", url, [(hours, css)], format_duration(hours)))
    elif name == "workload":
        for (user_name, open_count, overdue), user_id in zip(_rows(report), report.detail, strict=True):
            overdue = min(overdue, open_count)
            note = f"{open_count:,} open" + (f", {overdue:,} overdue" if overdue else "")
            url = f"{reverse('task-list')}?assignee={user_id}{project}"
            rows.append((user_name, url, [(overdue, "s6"), (open_count - overdue, "s1")], note))
    elif name == "time":
        rows = [(user_name, "", [(minutes, "s1")], format_minutes(minutes)) for user_name, minutes, _ in report.detail]
    rows = rows[:MAX_BARS]
    max_total = max((sum(value for value, _ in parts) for *_, parts, _ in rows), default=0) or 1
    return [BarRow(label, url, _row_bars(parts, max_total, label), note) for label, url, parts, note in rows]


def _row_bars(parts: Sequence[tuple[float, str]], max_total: float, label: str) -> list[Bar]:
    bars, x = [], 0.0
    for value, css in parts:
        width = round(value / max_total * BOX_SIZE, 2)
        bars.append(Bar(x, 0, width, BOX_SIZE, css, label))
        x += width
    return bars
