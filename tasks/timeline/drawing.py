"""Drawing of the timeline: bars, lines of dependencies and dates, in units of the SVG."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import formats

from tasks.filters.forms import WEEKDAYS
from tasks.timeline.selectors import TimelineTask, TimelineTasks

ROW_HEIGHT, HEAD_HEIGHT, BAR_HEIGHT = 32, 28, 16
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Zoom:
    """How many days are visible, and how wide each is."""

    label: str
    days: int
    day_width: int


ZOOMS = {"week": Zoom("Weeks", 28, 36), "month": Zoom("Months", 91, 11), "quarter": Zoom("Quarters", 366, 3)}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the drawing, cut off where what is visible ends."""

    item: TimelineTask
    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Link:
    """A line from a task to one that it blocks."""

    path: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The timeline in units of its SVG, each of which is a pixel."""

    width: int
    height: int
    ticks: list[tuple[int, str]]
    bars: list[Bar]
    links: list[Link]
    today: int | None


def draw(tasks: TimelineTasks, first: date, zoom: Zoom, *, today: date, week_start: str) -> Drawing:
    """Return the drawing of tasks from a day on."""
    width = zoom.days * zoom.day_width

    def x_of(day: date) -> int:
        return min(max((day - first).days * zoom.day_width, 0), width)

    bars = {}
    for row, item in enumerate(tasks.dated):
        x, y = x_of(item.first), HEAD_HEIGHT + row * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) // 2
        bars[item.task.pk] = Bar(item, x, y, max(x_of(item.last + ONE_DAY) - x, zoom.day_width))
    links = []
    for source, target in tasks.blocks:
        start, end = bars[source], bars[target]
        x, y = start.x + start.width, start.y + BAR_HEIGHT // 2
        turn = max(x + 4, 4)
        path = f"M{x} {y}H{turn}V{end.y + BAR_HEIGHT // 2}H{end.x}"
        links.append(Link(path, end.item.first <= start.item.last and not start.item.task.is_closed))
    days = [first + timedelta(days=index) for index in range(zoom.days)]
    if zoom is ZOOMS["week"]:
        marks = [(day, "j M") for day in days if day.weekday() == WEEKDAYS[week_start]]
    else:
        marks = [(day, "M Y") for day in days if day.day == 1]
    ticks = [(x_of(day), formats.date_format(day, pattern)) for day, pattern in marks]
    is_today_visible = first <= today < first + timedelta(days=zoom.days)
    height = HEAD_HEIGHT + len(bars) * ROW_HEIGHT
    today_x = x_of(today) + zoom.day_width // 2 if is_today_visible else None
    return Drawing(width, height, ticks, list(bars.values()), links, today_x)
