"""Activity of a task: its events as sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime

from events.models import Event
from tasks.models import Priority

ICONS = {
    "status": "circle-dot",
    "assignees": "user",
    "labels": "tag",
    "priority": "flag",
    "due_date": "calendar",
    "due_at": "calendar",
}
FIELD_LABELS = {"start_date": "start", "due_date": "due date", "due_at": "due time", "parent": "parent task"}
HIDDEN_FIELDS = frozenset({"position"})


@dataclass(frozen=True, slots=True)
class ActivityChange:
    """Change of one field as text; `before` and `after` are empty where they are not shown."""

    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One event as the activity list shows it."""

    at: datetime
    actor: str
    icon_name: str
    changes: Sequence[ActivityChange]
    task_key: str
    task_title: str
    excerpt: str = ""


def mentioned_user_ids(events: Sequence[Event]) -> set[str]:
    """Return the ids of the users that were assigned or unassigned."""
    changes = [_changes(event).get("assignees", []) for event in events]
    return {user_id for old_and_new in changes for user_ids in old_and_new for user_id in user_ids}


def activity_entries(
    events: Sequence[Event], *, names: Mapping[str, str], states: Mapping[str, str]
) -> list[ActivityEntry]:
    """Return the entries of these events, without those that have nothing to show.

    `names` are users' names by id, `states` the states' names by slug.
    """
    entries = (_entry(event, names, states) for event in events)
    return [entry for entry in entries if entry.changes]


def _entry(event: Event, names: Mapping[str, str], states: Mapping[str, str]) -> ActivityEntry:
    task = event.payload["task"]
    actor = event.payload.get("actor") or {}
    changes = list(_event_changes(event, names, states))
    return ActivityEntry(
        at=event.occurred_at,
        actor=actor.get("name", "TaskFlow"),
        icon_name=_icon(event),
        changes=changes,
        task_key=task["key"],
        task_title=task["title"],
        excerpt=event.payload.get("excerpt", ""),
    )


def _changes(event: Event) -> dict[str, list[Any]]:
    changes: dict[str, list[Any]] = event.payload.get("changes", {})
    return changes


def _icon(event: Event) -> str:
    simple = {"task.created": "plus", "task.commented": "message-square", "task.deleted": "trash-2"}
    if event.name in simple:
        return simple[event.name]
    return next((ICONS[name] for name in _changes(event) if name in ICONS), "pencil")


def _event_changes(event: Event, names: Mapping[str, str], states: Mapping[str, str]) -> Iterator[ActivityChange]:
    simple = {"task.created": "created the task", "task.commented": "commented", "task.deleted": "deleted the task"}
    if event.name in simple:
        yield ActivityChange(simple[event.name])
    for name, (old, new) in _changes(event).items():
        if name in HIDDEN_FIELDS:
            continue
        label = FIELD_LABELS.get(name, name.replace("_", " "))
        if name == "assignees":
            yield from _assignee_changes(old, new, names)
        elif name == "labels":
            yield from _added_and_removed("label", old, new)
        elif name in {"description", "parent"}:
            yield ActivityChange(f"changed the {label}")
        else:
            yield ActivityChange(
                f"changed the {label}",
                _display_value(name, old, states),
                _display_value(name, new, states),
            )


def _assignee_changes(old: Collection[str], new: Collection[str], names: Mapping[str, str]) -> Iterator[ActivityChange]:
    for key in sorted(set(new) - set(old)):
        yield ActivityChange(f"assigned {names.get(key, 'someone')}")
    for key in sorted(set(old) - set(new)):
        yield ActivityChange(f"unassigned {names.get(key, 'someone')}")


def _added_and_removed(noun: str, old: Collection[str], new: Collection[str]) -> Iterator[ActivityChange]:
    for name in sorted(set(new) - set(old)):
        yield ActivityChange(f"added the {noun} {name}")
    for name in sorted(set(old) - set(new)):
        yield ActivityChange(f"removed the {noun} {name}")


def _display_value(name: str, value: Any, states: Mapping[str, str]) -> str:
    if value is None or value == "":
        return "none"
    if name == "status":
        return states.get(value) or value.replace("_", " ").capitalize()
    if name == "priority":
        return Priority(value).label
    if name in {"start_date", "due_date"}:
        return formats.date_format(parse_date(value) or date.min, "j M Y")
    if name == "due_at":
        return formats.date_format(timezone.localtime(parse_datetime(value)), "j M Y, H:i")
    if name == "estimate":
        return f"{value} min"
    return str(value)
