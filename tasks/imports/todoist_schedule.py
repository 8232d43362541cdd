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
        """Keep the text of a column that cannot be converted, and warn about it."""
        item = f"{column.capitalize()}: {row[column]} {unit}".strip()
        # Nothing that a user has written is lost: what has no field here becomes text.
        self.notes.append(f"{item} (from Todoist)")
        self.warnings.append(ConversionWarning(row.number, item, f"{reason} The words are in the description."))


def parse_schedule(row: Row, *, today: date, zone: tzinfo) -> Schedule:
    """Return the dates and the estimate of a row; relative dates count from `today`.

    A time of day is meant in the row's TIMEZONE, or else in `zone`.
    """
    schedule, reader_zone = Schedule(), zone
    due = _parse_column(row, "DATE", schedule, today)
    deadline = _parse_column(row, "DEADLINE", schedule, today)
    # DATE is the planned day, for most tasks the only one; DEADLINE is when a task must be done.
    if deadline and due and due.clock is None and due.day <= deadline.day:
        schedule.start_date = due.day
    elif deadline and due:
        schedule.add_warning(row, "DATE", "Beside a deadline only a day before it can be kept.")
    last = deadline or due
    if last and last.clock:
        if row["TIMEZONE"]:
            try:
                zone = ZoneInfo(row["TIMEZONE"])
            except (ZoneInfoNotFoundError, ValueError, OSError):
                schedule.add_warning(row, "TIMEZONE", f"This time zone is not known; {zone} was used.")
        schedule.due_at = last.instant(zone)
        # In the reader's time zone the day of this instant may be an earlier one.
        if schedule.start_date and schedule.due_at:
            schedule.start_date = min(schedule.start_date, schedule.due_at.astimezone(reader_zone).date())
    if last and schedule.due_at is None:
        schedule.due_date = last.day

    duration, unit = row["DURATION"], row["DURATION_UNIT"]
    if re.fullmatch(r"[0-9]{1,6}", duration) and unit.lower() in ("minute", "minutes"):
        schedule.estimate = int(duration)
    elif duration:
        schedule.add_warning(row, "DURATION", "An estimate is kept in minutes only.", unit)
    return schedule


def _parse_column(row: Row, column: str, schedule: Schedule, today: date) -> ParsedDate | None:
    text, language = row[column], row[f"{column}_LANG"]
    if not text:
        return None
    parsed = parse_date(text, today)
    is_english = language.lower() in ("", "en")
    # A date in digits reads the same in every language.
    if not is_english and (parsed is None or not text[:4].isdigit()):
        schedule.add_warning(row, column, f"Dates in the language “{language}” are not read.")
        return None
    if parsed is None:
        reason = "Repeating tasks are not imported." if is_recurring(text) else "This date is not clear."
        schedule.add_warning(row, column, reason)
    return parsed
