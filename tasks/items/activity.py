"""Activity of a task: its events as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext, gettext_noop

from events.models import Event
from tasks.custom_fields import activity as custom_fields_activity
from tasks.custom_fields.values import FIELD_PREFIX, TaskField
from tasks.models import Priority

ICONS = {
    "status": "circle-dot",
    "assignees": "user",
    "labels": "tag",
    "priority": "flag",
    "due_date": "calendar",
    "due_at": "calendar",
    "recurrence": "repeat",
}
FIELD_CHANGES = {
    "title": gettext_noop("changed the title"),
    "description": gettext_noop("changed the description"),
    "status": gettext_noop("changed the status"),
    "priority": gettext_noop("changed the priority"),
    "section": gettext_noop("changed the section"),
    "estimate": gettext_noop("changed the estimate"),
    "start_date": gettext_noop("changed the start"),
    "due_date": gettext_noop("changed the due date"),
    "due_at": gettext_noop("changed the due time"),
    "parent": gettext_noop("changed the parent task"),
    "recurrence": gettext_noop("changed the repetition"),
}
RELATION_CHANGES = {
    "assignees": (gettext_noop("assigned %(name)s"), gettext_noop("unassigned %(name)s")),
    "labels": (gettext_noop("added the label %(name)s"), gettext_noop("removed the label %(name)s")),
}
# Moving a task in the manual order is not shown in its activity; a move to another project is, as a sentence.
HIDDEN_FIELDS = frozenset({"position", "project"})
EVENT_ICONS = {
    "task.relation_added": "activity",
    "task.relation_removed": "activity",
    "task.moved_to_project": "folder-kanban",
    "task.moved_with_parent": "folder-kanban",
    "task.created": "plus",
    "task.commented": "message-square",
    "task.deleted": "trash-2",
    "task.checklist_item_added": "check",
    "task.checklist_item_changed": "check",
    "task.checklist_item_removed": "check",
    "task.converted_to_item": "check",
    "task.attachment_added": "paperclip",
    "task.attachment_deleted": "paperclip",
    "task.attachment_restored": "paperclip",
    "task.attachment_infected": "triangle-alert",
    "task.time_logged": "timer",
    "task.time_entry_changed": "timer",
    "task.time_entry_deleted": "timer",
    "task.repeated": "repeat",
    "task.restored": "rotate-ccw",
}
EVENT_TEXTS = {
    "task.relation_added": gettext_noop("added a relation"),
    "task.relation_removed": gettext_noop("removed a relation"),
    "task.time_entry_changed": gettext_noop("changed a time entry"),
    "task.time_entry_deleted": gettext_noop("deleted a time entry"),
    "task.created": gettext_noop("created the task"),
    "task.commented": gettext_noop("commented"),
    "task.deleted": gettext_noop("deleted the task"),
    "task.restored": gettext_noop("restored the task"),
}
ITEM_TEXTS = {
    "task.checklist_item_added": gettext_noop("added %(item)s"),
    "task.checklist_item_removed": gettext_noop("removed %(item)s"),
}
FILE_TEXTS = {
    "task.attachment_added": gettext_noop("attached %(file)s"),
    "task.attachment_deleted": gettext_noop("deleted the attachment %(file)s"),
    "task.attachment_restored": gettext_noop("restored the attachment %(file)s"),
    "task.attachment_infected": gettext_noop("found malware in, and deleted, %(file)s"),
}


@dataclass(frozen=True, slots=True)
class ActivityChange:
    """Change of one field as text; `before` and `after` are empty where they are not shown.

    `event_id` is that of a change of the description, whose difference has a page of its own.
    """

    text: str
    before: str = ""
    after: str = ""
    event_id: int = 0


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
    """Return the ids of the users who were assigned, unassigned or put in person fields."""
    changes = [_changes(event) for event in events]
    assignees = {key for change in changes for keys in change.get("assignees", []) for key in keys}
    return assignees.union(*map(custom_fields_activity.user_ids, changes))


def activity_entries(
    events: Sequence[Event],
    *,
    names: Mapping[str, str],
    states: Mapping[str, str],
    fields: Mapping[str, TaskField] = {},
    names_tasks: bool = True,
) -> list[ActivityEntry]:
    """Return the entries of these events, without those that have nothing to show.

    `names` are users' names by id, `states` the states' names by slug, `fields` the custom fields of `fields_in_events`.
    Without `names_tasks` no keys of other tasks are shown: a guest may not see them.
    """
    entries = []
    for event in events:
        changes = [
            *_event_changes(event, names, states, names_tasks=names_tasks),
            *_field_changes(event, names, fields),
        ]
        if not changes:
            continue
        # Events of the system have no actor; "TaskFlow" stands for them.
        task, actor = event.payload["task"], event.payload.get("actor") or {}
        field_icon = next((ICONS[name] for name in _changes(event) if name in ICONS), "pencil")
        entry = ActivityEntry(
            at=event.occurred_at,
            actor=actor.get("name", "TaskFlow"),
            icon_name=EVENT_ICONS.get(event.name, field_icon),
            changes=changes,
            task_key=task["key"],
            task_title=task["title"],
            excerpt=event.payload.get("excerpt", ""),
        )
        entries.append(entry)
    return entries


def _changes(event: Event) -> dict[str, list[Any]]:
    changes: dict[str, list[Any]] = event.payload.get("changes", {})
    return changes


def _event_text(event: Event, *, names_tasks: bool) -> str:
    """Return what happened beside changes of the task's own fields; empty for nothing that is shown."""
    if event.name == "task.checklist_item_changed":
        changes = event.payload["item_changes"]
        if done := changes.get("is_done"):
            sentence = gettext("completed %(item)s") if done[1] else gettext("reopened %(item)s")
            return sentence % {"item": _quoted_item(event)}
        return gettext("changed %(item)s") % {"item": _quoted_item(event)} if changes.keys() - HIDDEN_FIELDS else ""
    if event.name in {"task.moved_to_project", "task.moved_with_parent"}:
        keys = {"former": event.payload["former_key"], "key": event.payload["task"]["key"]}
        return gettext("moved the task from %(former)s to %(key)s") % keys
    if event.name in ITEM_TEXTS:
        return gettext(ITEM_TEXTS[event.name]) % {"item": _quoted_item(event)}
    if event.name == "task.converted_to_item":
        converted = event.payload["converted_key"] if names_tasks else gettext("a task")
        return gettext("converted %(task)s to a checklist item") % {"task": converted}
    if event.name == "task.time_logged":
        return gettext("logged %(minutes)s min") % {"minutes": event.payload["minutes"]}
    if event.name == "task.repeated":
        if names_tasks:
            return gettext("created the next one, %(key)s") % {"key": event.payload["next_key"]}
        return gettext("created the next one")
    if event.name in FILE_TEXTS:
        return gettext(FILE_TEXTS[event.name]) % {"file": event.payload["file_name"]}
    return gettext(EVENT_TEXTS.get(event.name, ""))


def _quoted_item(event: Event) -> str:
    """Name a checklist item by its text; an event from before texts were recorded has none."""
    text = event.payload.get("excerpt", "")
    if not text:
        return gettext("a checklist item")
    return gettext("the checklist item “%(text)s”") % {"text": Truncator(text).chars(80)}


def _field_changes(event: Event, names: Mapping[str, str], fields: Mapping[str, TaskField]) -> Iterator[ActivityChange]:
    """Yield the changes of custom fields."""
    for name, (old, new) in _changes(event).items():
        if name.startswith(FIELD_PREFIX):
            field = fields.get(f"{event.payload['task']['project_id']}:{name}")
            yield ActivityChange(*custom_fields_activity.change_text(name, old, new, field, names))


def _event_changes(
    event: Event, names: Mapping[str, str], states: Mapping[str, str], *, names_tasks: bool
) -> Iterator[ActivityChange]:
    if text := _event_text(event, names_tasks=names_tasks):
        yield ActivityChange(text)
    for name, (old, new) in _changes(event).items():
        if name in HIDDEN_FIELDS or name.startswith(FIELD_PREFIX):
            continue
        # Unknown names are shown too: events of an older or newer release may have other fields.
        label = name.replace("_", " ")
        sentence = (
            gettext(FIELD_CHANGES[name])
            if name in FIELD_CHANGES
            else gettext("changed the %(field)s") % {"field": label}
        )
        if name in RELATION_CHANGES:
            added, removed = RELATION_CHANGES[name]
            # Assignees are ids; the user of an unknown one was erased.
            someone = gettext("someone")
            texts = {key: names.get(key, someone) if name == "assignees" else key for key in {*old, *new}}
            for key in sorted(set(new) - set(old)):
                yield ActivityChange(gettext(added) % {"name": texts[key]})
            for key in sorted(set(old) - set(new)):
                yield ActivityChange(gettext(removed) % {"name": texts[key]})
        elif name in {"description", "parent", "section"}:  # too long to show, or an id of what the reader may not see
            yield ActivityChange(sentence, event_id=event.pk if name == "description" else 0)
        else:
            yield ActivityChange(
                sentence,
                _display_value(name, old, states),
                _display_value(name, new, states),
            )


def _display_value(name: str, value: Any, states: Mapping[str, str]) -> str:
    if value is None or value == "":
        return gettext("none")
    if name == "status":
        return states.get(value) or value.replace("_", " ").capitalize()
    if name == "priority":
        return str(Priority(value).label)
    if name in {"start_date", "due_date"}:
        return formats.date_format(parse_date(value) or date.min, gettext("j M Y"))
    if name == "due_at":
        return formats.date_format(timezone.localtime(parse_datetime(value)), gettext("j M Y, H:i"))
    if name == "estimate":
        return gettext("%(value)s min") % {"value": value}
    return str(value)
