"""Reads of the audit view: the event log, for administrators."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import Invalid, require
from events.models import Event
from events.private_content import hide_private
from tasks.models import Project, Task

# Groups of events by the beginning of their names, for the filter.
KINDS = {
    "task": "Tasks",
    "project": "Projects",
    "team": "Teams",
    "user": "Accounts",
    "session": "Sessions",
    "api_key": "API keys",
    "identity": "Identities",
    "bulk": "Bulk changes",
}
# What every payload repeats, and what the columns of the view show.
OBJECTS = frozenset({"task", "project", "user", "actor", "team", "session", "key", "bulk"})
MAX_DETAIL = 300


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event: who did what to which object. `detail` is the rest of its payload, as JSON."""

    id: int
    position: int | None
    occurred_at: datetime
    name: str
    actor_id: uuid.UUID | None
    actor: str
    subject_type: str
    subject_id: uuid.UUID
    subject: str
    detail: str


def list_events(
    reader: User,
    *,
    actor: str = "",
    kind: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Event]:
    """Return the events that match, for an administrator. Raises NotAllowed, Invalid.

    `actor` is a handle or an id, `kind` the beginning of a name, `subject` the key of a task or project, a handle or an
    id. Days are those of the reader's zone, both included.
    """
    require(reader.is_admin, "Only administrators can see the audit view.")
    events = Event.objects.all()
    if actor:
        events = events.filter(actor_id=_user_id(actor, "actor"))
    if kind:
        events = events.filter(name__startswith=f"{kind}.")
    if subject:
        events = events.filter(subject_id=_subject_id(subject))
    zone = ZoneInfo(reader.time_zone)
    if since:
        events = events.filter(occurred_at__gte=datetime.combine(since, time.min, zone))
    if until:
        events = events.filter(occurred_at__lt=datetime.combine(until + timedelta(days=1), time.min, zone))
    return events


def entries(events: Iterable[Event]) -> Iterator[AuditEntry]:
    """Yield the entries of events, without the content of personal inboxes."""
    for event in events:
        payload = hide_private(event.payload)
        rest = {name: value for name, value in payload.items() if name not in OBJECTS}
        detail = json.dumps(rest, ensure_ascii=False, default=str) if rest else ""
        yield AuditEntry(
            id=event.pk,
            position=event.position,
            occurred_at=event.occurred_at,
            name=event.name,
            actor_id=event.actor_id,
            actor=_text(payload.get("actor"), "name"),
            subject_type=event.subject_type,
            subject_id=event.subject_id,
            subject=_subject(event, payload),
            detail=detail if len(detail) <= MAX_DETAIL else f"{detail[:MAX_DETAIL]}…",
        )


def _subject(event: Event, payload: dict[str, Any]) -> str:
    subject = payload.get(event.subject_type)
    if not isinstance(subject, dict):
        return ""
    names = [_text(subject, name) for name in ("key", "title", "name")]
    return " ".join(name for name in names if name)


def _text(values: Any, name: str) -> str:
    return str(values.get(name) or "") if isinstance(values, dict) else ""


def _user_id(text: str, field: str) -> uuid.UUID:
    if UUID_PATTERN.match(text):
        return uuid.UUID(text)
    user_id = User.objects.filter(handle__iexact=text.removeprefix("@")).values_list("pk", flat=True).first()
    if user_id is None:
        raise Invalid.field(field, "There is no user with this handle.", "does_not_exist")
    return user_id


def _subject_id(text: str) -> uuid.UUID:
    """Return the id of what a text names. Raises Invalid."""
    if UUID_PATTERN.match(text):
        return uuid.UUID(text)
    project_key, _, number = text.upper().rpartition("-")
    if project_key and number.isdecimal() and len(number) < 10:
        task_id = Task.objects.filter(project__key=project_key, number=int(number)).values_list("pk", flat=True).first()
        if task_id:
            return task_id
    project_id = Project.objects.filter(key=text.upper()).values_list("pk", flat=True).first()
    return project_id or _user_id(text, "subject")
