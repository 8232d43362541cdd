"""Writes of projects."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from core.etags import check_version
from core.serialization import to_json
from events.outbox import DomainEvent, publish, publish_all
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items import selectors as items_selectors
from tasks.models import Project, ProjectMember, Role, State, Task
from tasks.projects import nesting, selectors
from tasks.projects.copying import copy_settings
from tasks.projects.states import DEFAULT_STATES
from tasks.time_tracking import services as time_tracking
from tasks.trash.storage import collect, discard, lock_rows


@transaction.atomic
def get_or_create_inbox(*, actor: User) -> Project:
    """Return the actor's own inbox project, created when it is first needed."""
    if inbox := selectors.get_inbox(actor):
        return inbox
    # Without FOR NO KEY UPDATE this would wait for writers of tasks, whose foreign keys lock the user's row.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    # Asked again under the lock: another request may have created it meanwhile.
    return selectors.get_inbox(actor) or _create_with_defaults(
        # From the end of the id, which is random; its beginning is the time and much the same for many users.
        actor=actor,
        key=f"ME{actor.pk.hex[-8:].upper()}",
        name="Personal",
        is_inbox=True,
    )


WRITABLE_FIELDS = frozenset({"name", "description", "wip_policy", "parent"})


@transaction.atomic
def create(
    *, actor: User, key: str, name: str, description: str = "", parent: str | None = None, template: str = ""
) -> Project:
    """Create a project with the four default states, or the settings of a visible one; the actor becomes its admin.

    Raises Invalid for a taken key and a parent that does not exist, NotAllowed, Conflict.
    """
    if parent:
        nesting.lock_nesting()
    parent_id = nesting.valid_parent(actor, parent)
    source = None
    if template:
        try:
            source = selectors.get_project(actor, template)
        except NotFound as error:
            raise Invalid.field("template", selectors.PROJECT_NOT_FOUND, "does_not_exist") from error
    project = _create_with_defaults(actor=actor, key=key, name=name, description=description, parent_id=parent_id)
    if source:
        copy_settings(source, project)
    return project


def _create_with_defaults(
    *,
    actor: User,
    key: str,
    name: str,
    description: str = "",
    is_inbox: bool = False,
    parent_id: uuid.UUID | None = None,
) -> Project:
    project = Project(
        key=key, name=name.strip(), description=description, owner=actor, is_inbox=is_inbox, parent_id=parent_id
    )
    try:
        # A savepoint, without which an IntegrityError would end the caller's transaction.
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid.field("key", gettext("There is a project with this key already."), "taken") from error
    ProjectMember.objects.create(project=project, user=actor, role=Role.ADMIN)
    State.objects.bulk_create(
        State(project=project, slug=slug, name=label, category=category, position=index)
        for index, (slug, label, category) in enumerate(DEFAULT_STATES)
    )
    publish(events.ProjectCreated(project=project_payload(project)), actor=actor)
    invalidate_viewers(project)
    return project


@transaction.atomic
def update(
    *, actor: User, ref: str, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> Project:
    """Change the given fields of a project. Raises NotFound, NotAllowed, VersionConflict."""
    if unknown := set(changes) - WRITABLE_FIELDS:
        raise ValueError(f"not part of a project: {unknown}")
    if "parent" in changes:
        nesting.lock_nesting()
    project = selectors.lock_project(actor, ref)
    policies.require_manager(selectors.project_role(actor, project))
    if "parent" in changes:
        parent_id = nesting.valid_parent(actor, changes["parent"], of=project)
        changes = {name: value for name, value in changes.items() if name != "parent"} | {"parent_id": parent_id}
    check_version(project, versions, changes)
    return _save_changes(project, actor, changes, now)


@transaction.atomic
def archive(
    *, actor: User, ref: str, now: datetime, archived: bool = True, versions: frozenset[int] | None = None
) -> Project:
    """Archive a project, which makes it read-only, or restore it. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    project = selectors.lock_project(actor, ref)
    policies.require_manager(selectors.project_role(actor, project))
    check_version(project, versions, {"archived_at": now if archived else None})
    if project.is_inbox:
        raise Conflict(gettext("Your personal project cannot be archived."), code="inbox")
    if (project.archived_at is not None) == archived:
        return project
    return _save_changes(project, actor, {"archived_at": now if archived else None}, now)


# Projects archived in one run; the next one continues.
MAX_ARCHIVED = 500


def archive_finished(*, now: datetime) -> int:
    """Archive projects that have been finished for long, each in its own transaction; return how many.

    Finished is a project with tasks of which none is open, when neither it nor a task of it has changed for
    ARCHIVE_PROJECTS_AFTER_DAYS. Its admins can unarchive it like any other.
    """
    if not settings.ARCHIVE_PROJECTS_AFTER_DAYS:
        return 0
    before = now - timedelta(days=settings.ARCHIVE_PROJECTS_AFTER_DAYS)
    finished = selectors.finished_projects(before)
    count = 0
    for project_id in list(finished.order_by("pk").values_list("pk", flat=True)[:MAX_ARCHIVED]):
        with transaction.atomic():
            # Read again under the lock: a task may have been created meanwhile.
            project = (
                finished.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk=project_id).first()
            )
            if project is not None:
                _save_changes(project, None, {"archived_at": now}, now)
                count += 1
    return count


def _save_changes(project: Project, actor: User | None, changes: dict[str, Any], now: datetime) -> Project:
    changed = {name: value for name, value in changes.items() if getattr(project, name) != value}
    if changed:
        differences = {n: [to_json(getattr(project, n)), to_json(v)] for n, v in changed.items()}
        Project.objects.filter(pk=project.pk).update(**changed, version=F("version") + 1, updated_at=now)
        project.refresh_from_db()
        publish(events.ProjectUpdated(project=project_payload(project), changes=differences), actor=actor, at=now)
        invalidate_viewers(project)
    return project


@transaction.atomic
def delete(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Move a project with all its tasks to the trash.

    Raises NotFound, NotAllowed, VersionConflict, and Conflict for an inbox and for more rows than the trash takes.
    """
    nesting.lock_nesting()
    project = selectors.lock_project(actor, ref)
    policies.require_manager(selectors.project_role(actor, project))
    check_version(project, versions)
    if project.is_inbox:
        raise Conflict(gettext("Your personal project cannot be deleted."), code="inbox")
    children = nesting.move_children_up(project)
    # Locked, so that no write comes between reading a task's rows and deleting them.
    lock_rows(Task.objects.filter(project=project))
    time_tracking.end_timers(Task.objects.filter(project=project), now)
    deletion = collect(project)
    payloads = items_selectors.task_payloads(Task.objects.filter(project=project))
    # As for a single task: the deletion is the last version.
    deleted = [payload | {"version": payload["version"] + 1} for payload in payloads]
    published: list[DomainEvent] = [events.TaskDeleted(task=payload) for payload in deleted]
    for child in children:
        changes = {"parent_id": [str(project.pk), to_json(project.parent_id)]}
        published.append(events.ProjectUpdated(project=project_payload(child), changes=changes))
        invalidate_viewers(child)
    published.append(events.ProjectDeleted(project=project_payload(project)))
    # The viewers are read now, since the memberships are deleted with the project.
    invalidate_viewers(project, *selectors.viewer_ids([project.pk]))
    title = f"{project.key} {project.name}"
    discard(deletion, kind="project", obj=project, title=title, project=None, actor=actor, now=now)
    publish_all(published, actor=actor, at=now)
