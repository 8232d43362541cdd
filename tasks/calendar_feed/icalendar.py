"""Tasks as an iCalendar document (RFC 5545): events, which are what calendar programs show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta

from django.conf import settings
from django.urls import reverse
from icalendar import Calendar, Event

from tasks.models import Task

CONTENT_TYPE = "text/calendar; charset=utf-8"
REFRESH_INTERVAL = "PT1H"
ONE_DAY = timedelta(days=1)


def build_calendar(tasks: Iterable[Task]) -> bytes:
    """Return a calendar with an event for each task: on its day, or at its instant in UTC.

    The same tasks give the same bytes, so that an unchanged calendar is answered without a body.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//TaskFlow//Calendar feed//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "TaskFlow")
    calendar.add("x-published-ttl", REFRESH_INTERVAL)
    for task in tasks:
        calendar.add_component(_build_event(task))
    return bytes(calendar.to_ical())


def _build_event(task: Task) -> Event:
    url = f"{settings.SITE_URL}{reverse('task-detail', args=[task.key])}"
    event = Event()
    # The id outlives moves to other projects, which give a task a new key.
    event.add("uid", f"{task.pk}@taskflow")
    event.add("dtstamp", task.updated_at.astimezone(UTC))
    event.add("last-modified", task.updated_at.astimezone(UTC))
    event.add("sequence", task.version)
    event.add("summary", f"✓ {task.title}" if task.is_closed else task.title)
    event.add("description", f"{task.key} · {task.state.name}\n{url}")
    event.add("url", url)
    # A due date takes no time of the day: whoever looks for a free hour finds it free.
    event.add("transp", "TRANSPARENT")
    if task.due_at:
        event.add("dtstart", task.due_at.astimezone(UTC))
    elif task.due_date:
        event.add("dtstart", task.due_date)
        event.add("dtend", task.due_date + ONE_DAY)
    return event
