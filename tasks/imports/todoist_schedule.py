"""Dates of a Todoist task: its DATE, DEADLINE and DURATION as start, due date and estimate."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.imports.csv_rows import Row
from tasks.imports.date_parser import ParsedDate, is_recurring, parse_date
from tasks.imports.plan import ConversionWarning


@dataclass
class Schedule:
    """Dates and estimate of a task. `notes` are lines for the description: the texts that could not be converted."""

    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    estimate: int | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[ConversionWarning] = field(default_factory=list)

    def add_warning(self, row: Row, column: str, reason: str, unit: str = "") -> None:
        item = f"{column.capitalize()}: {row[column]} {unit}".strip()
        self.notes.append(f"{item} (from Todoist)")
        self.warnings.append(ConversionWarning(row.number, item, f"{reason} The words are in the description."))


def parse_schedule(row: Row, *, today: date, zone: tzinfo) -> Schedule:
    schedule = Schedule()
    due = _parse_column(row, "DATE", schedule, today)
    deadline = _parse_column(row, "DEADLINE", schedule, today)
    _set_dates(row, schedule, due, deadline, zone)
    _estimate(row, schedule)
    return schedule


def _estimate(row: Row, schedule: Schedule) -> None:
    duration, unit = row["DURATION"], row["DURATION_UNIT"]
    if re.fullmatch(r"[0-9]{1,6}", duration) and unit.lower() in ("minute", "minutes"):
        schedule.estimate = int(duration)
    elif duration:
        schedule.add_warning(row, "DURATION", "An estimate is kept in minutes only.", unit)


def _parse_column(row: Row, column: str, schedule: Schedule, today: date) -> ParsedDate | None:
    text = row[column]
    if not text:
        return None
    parsed = parse_date(text, today)
    if parsed is None:
        schedule.add_warning(row, column, _reason(text, row[f"{column}_LANG"]))
    elif row[f"{column}_LANG"].lower() not in ("", "en") and not text[:4].isdigit():
        schedule.add_warning(row, column, f"Dates in the language “{row[f'{column}_LANG']}” are not read.")
        return None
    return parsed


def _reason(text: str, language: str) -> str:
    if language.lower() not in ("", "en"):
        return f"Dates in the language “{language}” are not read."
    return "Repeating tasks are not imported." if is_recurring(text) else "This date is not clear."


def _set_dates(row: Row, schedule: Schedule, due: ParsedDate | None, deadline: ParsedDate | None, zone: tzinfo) -> None:
    """Set the dates: DATE is the planned day, for most tasks the only one; DEADLINE is when it must be done."""
    last = deadline or due
    if last is None:
        return
    if deadline and due and due.clock is None and due.day <= deadline.day:
        schedule.start_date = due.day
    elif deadline and due:
        schedule.add_warning(row, "DATE", "Beside a deadline only a day before it can be kept.")
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
        schedule.add_warning(row, "TIMEZONE", f"This time zone is not known; {fallback} was used.")
        return fallback
