"""Any sequence of writes and undos returns the exact prior state; concurrent updates of other fields both stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import UserFactory
from core.errors import Conflict, Invalid, VersionConflict
from core.etags import merge_changes
from events.outbox import published_events
from tasks.bulk import services as bulk
from tasks.checklists import services as checklists
from tasks.comments import services as comments
from tasks.custom_fields import services as custom_fields
from tasks.items import ordering
from tasks.items import services as items
from tasks.models import ChecklistItem, Comment, CustomFieldValue, Label, Role, Section, Task, TaskRelation, TimeEntry
from tasks.projects import labels
from tasks.relations import services as relations
from tasks.sections import services as sections
from tasks.tests.factories import (
    ChecklistItemFactory,
    FieldFactory,
    LabelFactory,
    MemberFactory,
    ProjectFactory,
    TaskFactory,
)
from tasks.time_tracking import services as time_tracking
from tasks.undo import services
from tasks.undo.tokens import make_token

pytestmark = pytest.mark.django_db
TITLES = st.sampled_from(["a", "b", "c"])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "title": TITLES,
    "description": st.sampled_from(["", "one", "one two"]),
    "priority": st.integers(0, 4),
    "estimate": st.none() | st.integers(0, 3),
    "status": st.sampled_from(["todo", "in_progress", "done", "cancelled"]),
    "labels": st.lists(st.sampled_from(["x", "y"]), unique=True),
    "due_date": st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3)),
}
BULK_FIELDS = {
    "priority": FIELDS["priority"],
    "status": FIELDS["status"],
    "add_labels": FIELDS["labels"],
    "remove_labels": FIELDS["labels"],
}
ITEM_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "text": TITLES,
    "is_done": st.booleans(),
    "due_date": FIELDS["due_date"],
    "position": st.integers(0, 3),
}
UPDATES = st.tuples(
    st.just("update"), st.integers(0, 2), st.fixed_dictionaries({}, optional=FIELDS).filter(lambda changes: changes)
)
WRITES = st.one_of(
    # Twice: most writes are updates, and of these a new status has the most consequences.
    UPDATES,
    st.tuples(st.just("update"), st.integers(0, 2), st.fixed_dictionaries({"status": FIELDS["status"]})),
    st.tuples(st.just("move"), st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.just("delete"), st.integers(0, 2), st.none()),
    st.tuples(st.just("parent"), st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.just("comment"), st.integers(0, 2), TITLES),
    st.tuples(st.just("edit"), st.integers(0, 2), TITLES),
    st.tuples(st.just("remove"), st.integers(0, 2), st.none()),
    st.tuples(st.just("bulk"), st.just(0), st.fixed_dictionaries({}, optional=BULK_FIELDS).filter(bool)),
    st.tuples(st.just("field"), st.integers(0, 2), st.none() | st.integers(1, 3)),
    st.tuples(st.just("item"), st.integers(0, 2), TITLES),
    st.tuples(st.just("item change"), st.integers(0, 2), st.fixed_dictionaries({}, optional=ITEM_FIELDS).filter(bool)),
    st.tuples(st.sampled_from(["item removal", "conversion"]), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("relation"), st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.just("relation removal"), st.integers(0, 2), st.none()),
    st.tuples(st.just("time"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("time change"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("time removal"), st.integers(0, 2), st.none()),
    st.tuples(st.sampled_from(["label removal", "section removal"]), st.just(0), st.none()),
    st.tuples(st.sampled_from(["label name", "section name"]), st.just(0), TITLES),
)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class World:
    """A project with three tasks, and one user who writes and undoes."""

    def __init__(self) -> None:
        self.user = UserFactory()
        self.project = ProjectFactory(owner=self.user)
        LabelFactory(project=self.project, name="x")
        LabelFactory(project=self.project, name="y")
        self.section = self.project.sections.create(name="Phase 1")
        FieldFactory(project=self.project, kind="number", key="cost")
        self.ids = [
            TaskFactory(project=self.project, title=f"task {number}", section=self.section).pk for number in range(3)
        ]
        for position in range(3):
            ChecklistItemFactory(task=Task.objects.get(pk=self.ids[0]), position=position)
        # A token of a longer past would have expired.
        self.now = datetime.now(UTC)
        for task_id in self.ids:
            # The event from which the times of a former status are read.
            self.write("update", self.ids.index(task_id), {"estimate": 7})

    def state(self) -> dict[str, Any]:
        """Return all that users see, without what every write sets."""
        tasks = Task.objects.with_relations().order_by("pk")
        rows = {
            str(task.pk): {
                **{name: str(getattr(task, name)) for name in (*Task.SCALAR_FIELDS, "position", "parent_id", "number")},
                "state": task.state.slug,
                "labels": sorted(label.name for label in task.labels.all()),
                "times": (task.started_at, task.closed_at),
            }
            for task in tasks
        }
        texts = Comment.objects.order_by("pk").values_list("pk", "task", "body")
        return {"tasks": rows, "comments": [tuple(map(str, row)) for row in texts], **self.parts()}

    def parts(self) -> dict[str, Any]:
        """Return what belongs to the tasks and to the project; a relation has no more identity than its ends."""
        items = ChecklistItem.objects.order_by("task", "position")
        entries = TimeEntry.objects.order_by("pk")
        links = TaskRelation.objects.order_by("kind", "source", "target")
        return {
            "checklists": list(items.values("pk", "task", "text", "is_done", "due_date", "position")),
            "time": list(entries.values("pk", "task", "minutes", "started_at", "ended_at", "note")),
            "relations": list(links.values("kind", "source", "target")),
            "fields": list(CustomFieldValue.objects.order_by("task").values("task", "field", "number")),
            "labels": list(Label.objects.order_by("pk").values("pk", "name")),
            "sections": list(Section.objects.order_by("pk").values("pk", "name", "position")),
            "sections of tasks": list(Task.objects.order_by("pk").values("pk", "section")),
        }

    def write(self, verb: str, index: int, value: Any) -> str:
        """Write, and return the undo token; empty if nothing could be or was changed."""
        self.now += timedelta(milliseconds=1)
        ref = str(self.ids[index])
        common = {"actor": self.user, "ref": ref, "now": self.now}
        comment = Comment.objects.filter(task=ref).order_by("-pk").first()
        token = published_events.set([])
        try:
            if not Task.objects.filter(pk=ref).exists():
                return ""
            if verb == "update":
                items.update(**common, changes=dict(value))
            elif verb == "move" and value != index and Task.objects.filter(pk=self.ids[value]).exists():
                ordering.move(**common, after=self.ids[value])
            elif verb == "parent" and value > index and Task.objects.filter(pk=self.ids[value]).exists():
                items.update(**common, changes={"parent": self.ids[value]})
            elif verb == "delete":
                items.delete(**common)
            elif verb == "comment":
                comments.add(**common, body=value)
            elif verb == "edit" and comment:
                comments.update(**common, comment_id=comment.pk, body=value)
            elif verb == "remove" and comment:
                comments.delete(**common, comment_id=comment.pk)
            else:
                self.write_part(verb, ref, value, common)
            return make_token(published_events.get() or ())
        finally:
            published_events.reset(token)

    def write_part(self, verb: str, ref: str, value: Any, common: dict[str, Any]) -> None:
        """Write to a part of the task or of the project, if it is there."""
        checklist = list(ChecklistItem.objects.filter(task=ref).order_by("position"))
        entry = TimeEntry.objects.filter(task=ref).order_by("-pk").first()
        relation = TaskRelation.objects.filter(Q(source=ref) | Q(target=ref)).first()
        label, section = Label.objects.order_by("pk").first(), Section.objects.first()
        tasks = list(Task.objects.filter(pk__in=self.ids[:2]).values_list("pk", flat=True))
        actor = {"actor": self.user}
        in_project = actor | {"ref": str(self.project.pk)}
        index = value if isinstance(value, int) else 0
        item = checklist[index] if index < len(checklist) else None
        actions: dict[str, tuple[Any, Callable[[], Any]]] = {
            "bulk": (tasks, lambda: bulk.update(**actor, now=self.now, ids=tasks, changes=dict(value))),
            "field": (True, lambda: custom_fields.update_values(**common, fields={"cost": value})),
            "item": (True, lambda: checklists.add(**common, text=value)),
            "item change": (item, lambda: checklists.update(**common, item_id=item.pk, changes=dict(value))),
            "item removal": (item, lambda: checklists.delete(**common, item_id=item.pk)),
            "conversion": (item, lambda: checklists.convert(**common, item_id=item.pk)),
            "relation": (True, lambda: relations.add(**common, kind="blocks", task=str(self.ids[value]))),
            "relation removal": (relation, lambda: relations.remove(**common, relation_id=relation.pk)),
            "time": (True, lambda: time_tracking.add(**common, minutes=value)),
            "time change": (
                entry,
                lambda: time_tracking.update(**common, time_entry_id=entry.pk, changes={"minutes": value}),
            ),
            "time removal": (entry, lambda: time_tracking.delete(**common, time_entry_id=entry.pk)),
            "label name": (label, lambda: labels.update(**actor, label_id=label.pk, changes={"name": value})),
            "label removal": (label, lambda: labels.delete(**actor, now=self.now, label_id=label.pk)),
            "section name": (
                section,
                lambda: sections.update(**in_project, section_id=section.pk, changes={"name": value}),
            ),
            "section removal": (
                section,
                lambda: sections.delete(**in_project, now=self.now, section_id=section.pk),
            ),
        }
        exists, action = actions.get(verb, (False, None))
        # What two tasks or parts refuse is no write: a circle, a second relation.
        with suppress(Invalid, Conflict), transaction.atomic():
            if exists and action:
                action()

    def undo(self, undo_token: str) -> str:
        """Undo a write, and return the token to redo it."""
        self.now += timedelta(milliseconds=1)
        token = published_events.set([])
        try:
            services.undo(actor=self.user, token=undo_token, now=self.now)
            return make_token(published_events.get() or ())
        finally:
            published_events.reset(token)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WRITES, min_size=1, max_size=6), st.data())
def test_undo_in_reverse_returns_each_prior_state(db, writes, data):
    with rolled_back():
        world = World()
        history: list[tuple[dict[str, Any], str]] = []
        for write in writes:
            before = world.state()
            if token := world.write(*write):
                history.append((before, token))
            # Now and then the last write is undone and redone.
            if history and data.draw(st.booleans(), label="undo and redo"):
                before, token = history.pop()
                after = world.state()
                redo = world.undo(token)
                assert world.state() == before
                again = world.undo(redo)
                assert world.state() == after
                history.append((before, again))
        while history:
            before, token = history.pop()
            world.undo(token)
            assert world.state() == before


PATCHES = st.fixed_dictionaries({}, optional={name: FIELDS[name] for name in ("title", "description", "priority")})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATCHES, PATCHES, st.booleans())
def test_patches_of_two_editors_both_stay_or_name_the_field(db, first, second, is_merged):
    """Both have read the task before either writes; the second write merges or is refused with the difference."""
    with rolled_back():
        project = ProjectFactory()
        task = TaskFactory(project=project, title="read", description="read", priority=0)
        editors = [MemberFactory(project=project, role=Role.EDITOR).user for _ in range(2)]
        read = {"title": "read", "description": "read", "priority": 0}
        items.update(
            actor=editors[0], ref=str(task.pk), changes=dict(first), now=datetime.now(UTC), versions=frozenset({1})
        )

        def write(versions):
            return items.update(
                actor=editors[1], ref=str(task.pk), changes=dict(second), now=datetime.now(UTC), versions=versions
            )

        changed = {name for name, value in first.items() if value != read[name]}
        conflicting = {name for name in changed & second.keys() if first[name] != second[name]}
        refused = conflicting if is_merged else changed
        error = None
        try:
            merge_changes(write, frozenset({1}), read) if is_merged else write(frozenset({1}))
        except VersionConflict as conflict:
            error = conflict
        assert (error is not None) == bool(refused)
        if error is not None:
            assert error.requested == second
            assert error.current == {name: first.get(name, read[name]) for name in second}
            second = {}
        task.refresh_from_db()
        assert {name: getattr(task, name) for name in read} == read | first | second
