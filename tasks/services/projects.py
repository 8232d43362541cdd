from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, RestrictedError
from django.utils.text import slugify

from accounts.models import User
from core.errors import Conflict, Invalid
from events.publishing import publish
from tasks import events, selectors
from tasks.events import project_words
from tasks.models import Category, Label, Project, ProjectMember, Role, State, Task
from tasks.services.shared import (
    check_version,
    forget_answers,
    require_editor,
    require_manager,
)

FIRST_STATES = (
    ("todo", "To do", Category.TODO),
    ("in_progress", "In progress", Category.IN_PROGRESS),
    ("done", "Done", Category.DONE),
    ("cancelled", "Cancelled", Category.CANCELLED),
)
PROJECT_FIELDS = frozenset({"name", "description"})


@transaction.atomic
def create_project(*, actor: User, key: str, name: str, description: str = "") -> Project:
    """Create a project with the usual four states; the actor becomes its admin."""
    return new_project(actor=actor, key=key, name=name, description=description)


def new_project(*, actor: User, key: str, name: str, description: str = "", is_inbox: bool = False) -> Project:
    project = Project(key=key, name=name.strip(), description=description, owner=actor, is_inbox=is_inbox)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid.field("key", "There is a project with this key already.", "taken") from error
    ProjectMember.objects.create(project=project, user=actor, role=Role.ADMIN)
    State.objects.bulk_create(
        State(project=project, slug=slug, name=label, category=category, position=index)
        for index, (slug, label, category) in enumerate(FIRST_STATES)
    )
    publish(events.ProjectCreated(project=project_words(project)), actor=actor)
    forget_answers(project)
    return project


@transaction.atomic
def update_project(
    *, actor: User, ref: str, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> Project:
    if unknown := set(changes) - PROJECT_FIELDS:
        raise ValueError(f"not part of a project: {unknown}")
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    check_version(project, versions, changes)
    return _write(project, actor, changes, now)


@transaction.atomic
def archive_project(
    *, actor: User, ref: str, now: datetime, archived: bool = True, versions: frozenset[int] | None = None
) -> Project:
    """Keep a project as it is and out of the way, or bring it back."""
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    check_version(project, versions, {"archived_at": now if archived else None})
    if project.is_inbox:
        raise Conflict("Your own inbox cannot be archived.", code="inbox")
    if (project.archived_at is not None) == archived:
        return project
    return _write(project, actor, {"archived_at": now if archived else None}, now)


def _write(project: Project, actor: User, changes: dict[str, Any], now: datetime) -> Project:
    changed = {name: value for name, value in changes.items() if getattr(project, name) != value}
    if changed:
        differences = {n: [events.plain(getattr(project, n)), events.plain(v)] for n, v in changed.items()}
        Project.objects.filter(pk=project.pk).update(**changed, version=F("version") + 1, updated_at=now)
        project.refresh_from_db()
        publish(events.ProjectUpdated(project=project_words(project), changes=differences), actor=actor, at=now)
        forget_answers(project)
    return project


@transaction.atomic
def delete_project(*, actor: User, ref: str, versions: frozenset[int] | None = None) -> None:
    """Delete an empty project; one with tasks is archived instead, so that no work is lost by one click."""
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    check_version(project, versions, {})
    if project.is_inbox:
        raise Conflict("Your own inbox cannot be deleted.", code="inbox")
    if Task.objects.filter(project=project).exists():
        raise Conflict("The project has tasks. Archive it, or delete them first.", code="not_empty")
    publish(events.ProjectDeleted(project=project_words(project)), actor=actor)
    forget_answers(project, *selectors.watchers_of([project.pk]))
    project.delete()


@transaction.atomic
def add_state(*, actor: User, ref: str, name: str, category: str) -> State:
    """Add a column to the workflow, as the last one."""
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    slug = slugify(name).replace("-", "_")[:40]
    if not slug:
        raise Invalid.field("name", "Use some letters or digits.", "invalid")
    count = State.objects.filter(project=project).count()
    try:
        with transaction.atomic():
            return State.objects.create(
                project=project, slug=slug, name=name.strip(), category=category, position=count
            )
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a status of this name already.", "taken") from error


@transaction.atomic
def update_state(
    *, actor: User, ref: str, state_id: uuid.UUID, name: str | None, versions: frozenset[int] | None = None
) -> State:
    """Rename a column; its slug stays, so that clients' filters go on working."""
    state = _lock_state(actor, ref, state_id)
    wanted = state.name if name is None else name.strip()
    check_version(state, versions, {} if name is None else {"name": wanted})
    if wanted != state.name:
        State.objects.filter(pk=state.pk).update(name=wanted, version=F("version") + 1)
        state.refresh_from_db()
    return state


@transaction.atomic
def delete_state(*, actor: User, ref: str, state_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Remove a column that no task is in; each project keeps one to begin in and one to finish in."""
    state = _lock_state(actor, ref, state_id)
    check_version(state, versions, {})
    same = State.objects.filter(project=state.project_id, category=state.category)
    if state.category in {Category.TODO, Category.DONE} and same.count() == 1:
        raise Conflict("A project keeps one status to do and one done.", code="last_of_category")
    try:
        state.delete()
    except RestrictedError as error:
        raise Conflict("Tasks have this status; move them first.", code="in_use") from error


def _lock_state(actor: User, ref: str, state_id: uuid.UUID) -> State:
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    return selectors.get_state(project, state_id)


@transaction.atomic
def create_label(*, actor: User, ref: str, name: str, colour: str = "#5c6472") -> Label:
    project = selectors.lock_project(actor, ref)
    require_editor(actor, project)
    try:
        with transaction.atomic():
            return Label.objects.create(project=project, name=name.strip(), colour=colour)
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a label of this name already.", "taken") from error


@transaction.atomic
def update_label(
    *, actor: User, label_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> Label:
    label = _lock_label(actor, label_id)
    check_version(label, versions, changes)
    changes = {name: value for name, value in changes.items() if getattr(label, name) != value}
    if not changes:
        return label
    try:
        with transaction.atomic():
            Label.objects.filter(pk=label.pk).update(**changes, version=F("version") + 1)
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a label of this name already.", "taken") from error
    before = label.name
    label.refresh_from_db()
    _tell_of_label(label, actor, [before], [label.name])
    return label


@transaction.atomic
def delete_label(*, actor: User, label_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    label = _lock_label(actor, label_id)
    check_version(label, versions, {})
    label.delete()
    _tell_of_label(label, actor, [label.name], [])


def _tell_of_label(label: Label, actor: User, before: list[str], after: list[str]) -> None:
    """Its tasks show it, so their readers' answers end: by the hook, or by the relay that finds this fact."""
    changes = {"labels": [before, after]}
    publish(events.ProjectUpdated(project=project_words(label.project), changes=changes), actor=actor)
    forget_answers(label.project)


def _lock_label(actor: User, label_id: uuid.UUID) -> Label:
    label = selectors.get_label(actor, label_id)
    project = selectors.lock_project(actor, label.project_id)
    require_editor(actor, project)
    return selectors.get_label(actor, label_id)
