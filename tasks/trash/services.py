"""Restore deleted objects from the trash."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.db import translate_db_error
from core.errors import Conflict, require
from events.outbox import DomainEvent, publish_all
from tasks import events, policies
from tasks.attachments import services as attachments
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items import selectors as items_selectors
from tasks.items.fractional_indexing import position_between
from tasks.models import (
    FilterSubscription,
    Project,
    ProjectMember,
    SavedFilter,
    State,
    StoredFile,
    Task,
    TaskAssignee,
    TaskRelation,
    TrashEntry,
)
from tasks.models.task import CLOSED_CATEGORIES
from tasks.projects import nesting
from tasks.relations import services as relations
from tasks.saved_filters import services as saved_filters
from tasks.trash import former_parents, project_parts, selectors, task_parts
from tasks.trash.reinsertion import reattach, reinsert, require_restored, root_row
from tasks.trash.restoration import Restoration


@transaction.atomic
def restore(*, actor: User, entry_id: uuid.UUID, now: datetime) -> Restoration:
    """Restore a deleted object with all that was deleted with it.

    Raises NotFound, NotAllowed, and Conflict when what it belonged to is gone or its unique name is taken.
    """
    # Before any other lock, as where relations are added.
    relations.lock_relations()
    entry = selectors.lock_entry(actor, entry_id)
    try:
        # A savepoint: the error below must not end the caller's transaction.
        with transaction.atomic():
            restoration = _RESTORERS[entry.kind](actor, entry, now)
            with connection.cursor() as cursor:
                # Now rather than at the commit, where it would be no Conflict.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        if isinstance(translated := translate_db_error(error), Conflict):
            raise translated from error
        raise Conflict(
            gettext("It can't be restored: something with the same name exists by now. Rename that first (%(title)s).")
            % {"title": entry.title},
            code="taken",
        ) from error
    entry.delete()
    return restoration


def _restore_task(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    project = project_parts.lock_editable_project(actor, entry)
    row = root_row(entry)
    overrides: dict[str, object] = {}
    positions = Task.objects.filter(project=project)
    if positions.filter(position=row["position"]).exists():
        following = positions.filter(position__gt=row["position"]).order_by("position")
        # Directly behind the task that has its place now.
        high = following.values_list("position", flat=True).first() or ""
        overrides["position"] = position_between(row["position"], high)
    states = State.objects.filter(project=project).order_by("position", "id")
    state = states.filter(pk=row["state_id"]).first()
    if state is None or state.category != row["category"]:
        # Its column of the workflow is gone, or means something else by now.
        state = state or states.filter(category=row["category"]).first() or states.first()
        closed = (row["closed_at"] or now) if state and state.category in CLOSED_CATEGORIES else None
        overrides |= {"state_id": state and state.pk, "category": state and state.category, "closed_at": closed}
    level = former_parents.level_below(project, row["parent_id"])
    if level == 1:
        overrides["parent_id"] = None
    skipped = reinsert(entry, overrides)
    require_restored(entry, skipped)
    _remove_circular_relations([entry.object_id], skipped)

    # The deletion had the version after that of the row; consumers order states by version.
    Task.objects.filter(pk=entry.object_id).update(version=F("version") + 2, updated_at=now)
    _unassign_former_members(project, [entry.object_id])
    excluded = former_parents.no_longer_subtasks(entry, project, level)
    reattached = reattach(entry, excluded=excluded).get("tasks.Task", [])
    Task.objects.filter(pk__in=reattached).update(version=F("version") + 1, updated_at=now)
    task = Task.objects.with_relations().get(pk=entry.object_id)
    published: list[DomainEvent] = [events.TaskRestored(task=task.payload())]
    for subtask in Task.objects.filter(pk__in=reattached).with_relations().order_by("pk"):
        changes = {"parent": [None, str(task.pk)]}
        published.append(events.TaskUpdated(task=subtask.payload(), changes=changes))
    publish_all(published, actor=actor, at=now)
    invalidate_viewers(project)
    return Restoration(entry.kind, entry.object_id, entry.title, project, task_key=task.key, skipped=skipped)


def _restore_comment(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    row = root_row(entry)
    # The same for a task that is deleted and for one that the actor may not see any more.
    if not Task.objects.visible_to(actor).filter(pk=row["task_id"]).exists():
        raise Conflict(gettext("The task of this comment was deleted. Restore the task first."), code="parent_deleted")
    locked = items_selectors.lock_task(actor, row["task_id"])
    is_allowed = str(row["author_id"]) == str(actor.pk) or policies.can_manage(locked.project_role)
    require(is_allowed, "Only its author or an admin of the project may restore a comment.")
    policies.require_not_archived(locked.task.project)
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    reattach(entry)
    event = events.CommentRestored(
        task=locked.payload(), comment_id=str(entry.object_id), author_id=str(row["author_id"])
    )
    publish_all([event], actor=actor, at=now)
    project = locked.task.project
    invalidate_viewers(project)
    return Restoration(entry.kind, entry.object_id, entry.title, project, task_key=locked.task.key, skipped=skipped)


def _restore_attachment(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    row = root_row(entry)
    if not Task.objects.visible_to(actor).filter(pk=row["task_id"]).exists():
        raise Conflict(gettext("The task of this file was deleted. Restore the task first."), code="parent_deleted")
    items_selectors.lock_project_of_task(actor, row["task_id"])
    locked = items_selectors.lock_task(actor, row["task_id"])
    is_allowed = str(row["uploader_id"]) == str(actor.pk) or policies.can_manage(locked.project_role)
    require(is_allowed, "Only its uploader or an admin of the project may restore an attachment.")
    project = locked.task.project
    policies.require_not_archived(project)
    attachments.require_room(locked.task, StoredFile.objects.get(pk=row["file_id"]).size)
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    event = events.TaskAttachmentRestored(
        task=locked.payload(),
        attachment_id=str(entry.object_id),
        file_name=row["name"],
        uploader_id=str(row["uploader_id"]),
    )
    publish_all([event], actor=actor, at=now)
    return Restoration(entry.kind, entry.object_id, entry.title, project, task_key=locked.task.key, skipped=skipped)


def _restore_project(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    require(
        actor.is_admin or entry.deleted_by_id == actor.pk,
        "Only the user who deleted a project, or an administrator, may restore it.",
    )
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    reattach(entry)
    nesting.lock_nesting()
    if len(nesting.ancestors(entry.object_id)) >= nesting.MAX_DEPTH:
        # What it stood below was moved further down meanwhile.
        Project.objects.filter(pk=entry.object_id).update(parent=None)
    Project.objects.filter(pk=entry.object_id).update(version=F("version") + 1, updated_at=now)
    project = Project.objects.get(pk=entry.object_id)
    Task.objects.filter(project=project).update(version=F("version") + 2, updated_at=now)
    tasks = Task.objects.filter(project=project)
    task_ids = list(tasks.values_list("pk", flat=True))
    _unassign_former_members(project, task_ids)
    _remove_circular_relations(task_ids, skipped)
    published: list[DomainEvent] = [events.ProjectRestored(project=project_payload(project))]
    published += [events.TaskRestored(task=payload) for payload in items_selectors.task_payloads(tasks)]
    publish_all(published, actor=actor, at=now)
    invalidate_viewers(project)
    return Restoration(entry.kind, entry.object_id, entry.title, project, skipped=skipped)


def _restore_saved_filter(actor: User, entry: TrashEntry, now: datetime) -> Restoration:
    require(str(root_row(entry)["owner_id"]) == str(actor.pk), "Only its owner may restore a saved filter.")
    saved_filters.require_room(actor)
    skipped = reinsert(entry)
    require_restored(entry, skipped)
    # Tasks have changed meanwhile: what matches is found anew, which notifies nobody.
    FilterSubscription.objects.filter(saved_filter=entry.object_id).update(is_current=False)
    saved_filter = SavedFilter.objects.get(pk=entry.object_id)
    payload = {"id": str(saved_filter.pk), "owner_id": str(saved_filter.owner_id)}
    publish_all([events.SavedFilterRestored(saved_filter=payload, fields=["filter"])], actor=actor, at=now)
    return Restoration(entry.kind, entry.object_id, entry.title, None, skipped=skipped)


_RESTORERS: dict[str, Callable[[User, TrashEntry, datetime], Restoration]] = {
    TrashEntry.Kind.TASK: _restore_task,
    TrashEntry.Kind.COMMENT: _restore_comment,
    TrashEntry.Kind.ATTACHMENT: _restore_attachment,
    TrashEntry.Kind.CHECKLIST_ITEM: task_parts.restore_checklist_item,
    TrashEntry.Kind.TASK_RELATION: task_parts.restore_relation,
    TrashEntry.Kind.TIME_ENTRY: task_parts.restore_time_entry,
    TrashEntry.Kind.REMINDER: task_parts.restore_reminder,
    TrashEntry.Kind.RECURRENCE: task_parts.restore_recurrence,
    TrashEntry.Kind.LABEL: project_parts.restore_label,
    TrashEntry.Kind.SECTION: project_parts.restore_section,
    TrashEntry.Kind.STATE: project_parts.restore_state,
    TrashEntry.Kind.TASK_TEMPLATE: project_parts.restore_task_template,
    TrashEntry.Kind.CUSTOM_FIELD: project_parts.restore_custom_field,
    TrashEntry.Kind.CUSTOM_FIELD_OPTION: project_parts.restore_custom_field_option,
    TrashEntry.Kind.SAVED_FILTER: _restore_saved_filter,
    TrashEntry.Kind.PROJECT: _restore_project,
}


def _unassign_former_members(project: Project, task_ids: list[uuid.UUID]) -> None:
    """Unassign users who have left the project from the open tasks that came back."""
    members = ProjectMember.objects.filter(project=project, user__is_active=True).values("user")
    TaskAssignee.objects.filter(task__in=task_ids, task__closed_at=None).exclude(user__in=members).delete()


def _remove_circular_relations(task_ids: list[uuid.UUID], skipped: dict[str, int]) -> None:
    if count := relations.remove_circular(task_ids):
        label = TaskRelation._meta.label
        skipped[label] = skipped.get(label, 0) + count
