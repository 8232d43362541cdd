"""A task as it was, and the former texts of descriptions and comments."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from events import selectors as events_selectors
from events.models import Event
from tasks.comments import selectors as comments_selectors
from tasks.history.word_diff import DiffPart, diff_words
from tasks.items import selectors as items_selectors
from tasks.items.task_columns import TaskColumns
from tasks.models import CommentVersion, Section, Task

# Events with `changes` of the task's own fields.
CHANGE_EVENTS = ("task.updated", "task.moved_to_project", "task.moved_with_parent")
VERSION_NOT_FOUND = gettext_noop("There is no such version.")


def get_task_columns_as_of(user: User, ref: str, *, as_of: datetime, now: datetime) -> TaskColumns:
    """Return a visible task as it was at an instant, by its events.

    Names of people and projects are those of today. Raises NotFound before the task's creation and while it was in the
    trash, Invalid for an instant in the future.
    """
    if as_of > now:
        raise Invalid.field("as_of", gettext("Name an instant in the past."), "in_the_future")
    columns = items_selectors.get_task_columns(user, ref)
    if as_of < columns.created_at:
        raise NotFound(gettext("The task did not exist yet at that time."))
    archived_until = events_selectors.archived_until()
    if archived_until is not None and as_of < archived_until:
        raise Conflict(f"The events until {archived_until:%Y-%m-%d} are archived.", code="archived")
    events = events_selectors.events_about(columns.id)
    last = events.filter(occurred_at__lte=as_of, payload__has_key="task").order_by("-pk").first()
    if last is not None and last.name == "task.deleted":
        raise NotFound(gettext("The task was in the trash at that time."))
    # The first change after that instant says what each field was: not all of them are in the events' state.
    values: dict[str, Any] = {}
    for event in events.filter(occurred_at__gt=as_of, name__in=CHANGE_EVENTS).order_by("pk").iterator():
        for name, (old, _) in event.payload["changes"].items():
            values.setdefault(name, old)
    if last is not None:
        state = last.payload["task"]
        values |= {name: state[name] for name in ("category", "version", "updated_at", "started_at", "closed_at")}
    return _replace(user, columns, values)


def _replace(user: User, columns: TaskColumns, values: dict[str, Any]) -> TaskColumns:
    """Return the columns with these values of an event."""
    instants, days = ("due_at", "updated_at", "started_at", "closed_at"), ("start_date", "due_date")
    plain = ("title", "description", "status", "category", "priority", "estimate", "position", "version")
    changed: dict[str, Any] = {name: values[name] for name in plain if name in values}
    changed |= {name: parse_datetime(values[name] or "") for name in instants if name in values}
    changed |= {name: parse_date(values[name] or "") for name in days if name in values}
    if "labels" in values:
        changed["label_names"] = values["labels"]
    if "assignees" in values:
        people = User.objects.filter(pk__in=values["assignees"]).order_by("name", "pk")
        changed["assignee_rows"] = [[str(one.pk), one.name, one.handle, one.role] for one in people]
    if "section" in values:
        section = Section.objects.filter(pk=values["section"], project=columns.project_id).first()
        changed |= {"section_id": section and section.pk, "section_name": section and section.name}
    if "parent" in values:
        parents = Task.objects.visible_to(user).filter(pk=values["parent"]).select_related("project")
        parent = parents.first()  # null where it is gone, or where the reader may not see it
        changed |= {
            "parent_id": parent and parent.pk,
            "parent_key": parent and parent.project.key,
            "parent_number": parent and parent.number,
            "parent_title": parent and parent.title,
        }
    return columns._replace(**changed)


class TextVersion(NamedTuple):
    """One change of a text: who made it and when, the text before and after it, and the difference by words."""

    id: str
    at: datetime
    actor: dict[str, Any] | None
    before: str
    after: str

    @property
    def diff(self) -> list[DiffPart]:
        return diff_words(self.before, self.after)


def list_description_changes(task: Task) -> QuerySet[Event]:
    """Return the events that changed the description; order by -id for the newest first."""
    changes = events_selectors.events_about(task.pk, names=("task.updated",))
    return changes.filter(payload__changes__has_key="description")


def description_version(event: Event) -> TextVersion:
    """Return the change of the description by an event."""
    before, after = event.payload["changes"]["description"]
    return TextVersion(str(event.pk), event.occurred_at, event.payload["actor"], before, after)


def get_description_version(task: Task, event_id: int) -> TextVersion:
    """Return one change of the description. Raises NotFound."""
    event = list_description_changes(task).filter(pk=event_id).first()
    if event is None:
        raise NotFound(VERSION_NOT_FOUND)
    return description_version(event)


MAX_COMMENT_VERSIONS = 100


def list_comment_versions(user: User, ref: str, comment_id: uuid.UUID) -> list[TextVersion]:
    """Return the newest changes of a comment, newest first, at most MAX_COMMENT_VERSIONS. Raises NotFound."""
    comment = comments_selectors.get_comment(items_selectors.get_task(user, ref), comment_id)
    former = list(CommentVersion.objects.filter(comment=comment).order_by("-version")[:MAX_COMMENT_VERSIONS])
    author = {"id": str(comment.author_id), "name": comment.author.name}
    versions = []
    after, at = comment.body, comment.edited_at
    for version in former:
        versions.append(TextVersion(str(version.pk), at or comment.created_at, author, version.body, after))
        after, at = version.body, version.created_at
    return versions
