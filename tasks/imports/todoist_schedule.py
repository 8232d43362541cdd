"""Dates of a Todoist task: its DATE, DEADLINE and DURATION as start, due date and estimate."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext

from core.text import truncate
from tasks.imports import date_languages
from tasks.imports.csv_rows import Row
from tasks.imports.date_parser import ParsedDate, parse_date

MAX_LANGUAGE_LENGTH = 20


@dataclass
class Schedule:
    """Dates and estimate of a task. `notes` are lines for the description: the texts that could not be converted."""

    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    estimate: int | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    """The item and the reason of each."""

    def add_warning(self, row: Row, column: str, reason: str, unit: str = "") -> None:
        """Keep the text of a column that cannot be converted, and warn about it."""
        item = f"{column.capitalize()}: {row[column]} {unit}".strip()
        # Nothing that a user has written is lost: what has no field here becomes text.
        self.notes.append(f"{item} (from Todoist)")
        self.warnings.append((item, gettext("%(reason)s The words are in the description.") % {"reason": reason}))


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
        schedule.add_warning(row, "DATE", gettext("Beside a deadline only a day before it can be kept."))
    last = deadline or due
    if last and last.clock:
        if row["TIMEZONE"]:
            try:
                zone = ZoneInfo(row["TIMEZONE"])
            except (ZoneInfoNotFoundError, ValueError, OSError):
                schedule.add_warning(
                    row, "TIMEZONE", gettext("This time zone is not known; %(zone)s was used.") % {"zone": zone}
                )
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
        schedule.add_warning(row, "DURATION", gettext("An estimate is kept in minutes only."), unit)
    return schedule


def _parse_column(row: Row, column: str, schedule: Schedule, today: date) -> ParsedDate | None:
    text, language = row[column], row[f"{column}_LANG"]
    if not text:
        return None
    known_language = date_languages.find_language(language)
    english: str | None = text
    # A date in digits reads the same in every language.
    if known_language != "en" and not re.match(r"[0-9]{4}[-/]", text):
        english = date_languages.translate(text, known_language) if known_language else None
    parsed = parse_date(english, today) if english else None
    if parsed is None:
        if known_language is None:
            reason = gettext("Dates in the language “%(max_language_length)s” are not read.") % {
                "max_language_length": truncate(language, MAX_LANGUAGE_LENGTH)
            }
        elif date_languages.is_recurring(text, known_language):
            reason = gettext("Repeating tasks are not imported.")
        else:
            reason = gettext("This date is not clear.")
        schedule.add_warning(row, column, reason)
    return parsed
