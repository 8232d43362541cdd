"""When a Todoist task starts and is due, and what of its DATE, DEADLINE and DURATION cannot be kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.importers.base import Loss
from tasks.importers.dates import WrittenDate, is_recurring, read_date
from tasks.importers.rows import Row


@dataclass
class Schedule:
    """`kept` are lines for the description: the words whose meaning is lost."""

    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    estimate: int | None = None
    kept: list[str] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def lose(self, row: Row, column: str, why: str, unit: str = "") -> None:
        what = f"{column.capitalize()}: {row[column]} {unit}".strip()
        self.kept.append(f"{what} (from Todoist)")
        self.losses.append(Loss(row.number, what, f"{why} The words are in the description."))


def read_schedule(row: Row, *, today: date, zone: tzinfo) -> Schedule:
    schedule = Schedule()
    due = _read(row, "DATE", schedule, today)
    deadline = _read(row, "DEADLINE", schedule, today)
    _place(row, schedule, due, deadline, zone)
    _estimate(row, schedule)
    return schedule


def _estimate(row: Row, schedule: Schedule) -> None:
    duration, unit = row["DURATION"], row["DURATION_UNIT"]
    if re.fullmatch(r"[0-9]{1,6}", duration) and unit.lower() in ("minute", "minutes"):
        schedule.estimate = int(duration)
    elif duration:
        schedule.lose(row, "DURATION", "An estimate is kept in minutes only.", unit)


def _read(row: Row, column: str, schedule: Schedule, today: date) -> WrittenDate | None:
    text = row[column]
    if not text:
        return None
    found = read_date(text, today)
    if found is None:
        schedule.lose(row, column, _reason(text, row[f"{column}_LANG"]))
    elif row[f"{column}_LANG"].lower() not in ("", "en") and not text[:4].isdigit():
        schedule.lose(row, column, f"Dates in the language “{row[f'{column}_LANG']}” are not read.")
        return None
    return found


def _reason(text: str, language: str) -> str:
    if language.lower() not in ("", "en"):
        return f"Dates in the language “{language}” are not read."
    return "Repeating tasks are not imported." if is_recurring(text) else "This date is not clear."


def _place(row: Row, schedule: Schedule, due: WrittenDate | None, deadline: WrittenDate | None, zone: tzinfo) -> None:
    """DATE is when one means to do it, and the only date most tasks have; DEADLINE is when it must be done."""
    last = deadline or due
    if last is None:
        return
    if deadline and due and due.clock is None and due.day <= deadline.day:
        schedule.start_date = due.day
    elif deadline and due:
        schedule.lose(row, "DATE", "Beside a deadline only a day before it can be kept.")
    if last.clock:
        schedule.due_at = last.instant(_zone(row, schedule, zone))
    schedule.due_date = None if schedule.due_at else last.day


def _zone(row: Row, schedule: Schedule, fallback: tzinfo) -> tzinfo:
    name = row["TIMEZONE"]
    if not name:
        return fallback
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        schedule.lose(row, "TIMEZONE", f"This time zone is not known; {fallback} was used.")
        return fallback
