"""Writes of task shares: single tasks shared with single users."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from accounts.users import services as users
from core.errors import Invalid, require
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import TaskPayload
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.models import Project, Task, TaskShare
from tasks.sharing import selectors
from tasks.trash import erasure


@transaction.atomic
def add(*, actor: User, ref: str, role: str, user_id: uuid.UUID | None = None, email: str = "") -> TaskShare:
    """Share one task with a user, or change the role of that share.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    locked = _lock_shareable_task(actor, ref)
    user = selectors.resolve_user(user_id, email)
    if user.pk == actor.pk:
        raise Invalid.field("user" if user_id else "email", gettext("You see this task already."), "yourself")
    # The task is locked, so no other call shares it meanwhile.
    share = TaskShare.objects.filter(task=locked.task, user=user).first()
    if share is not None:
        _set_role(share, locked, role, actor)
        return share
    # Shares are looked up for guests only, so a user becomes one before the first share.
    users.mark_as_guest(actor=actor, user=user)
    share = TaskShare.objects.create(
        task=locked.task, project=locked.task.project, user=user, role=role, shared_by=actor
    )
    _publish_shared(share, locked, actor)
    return share


@transaction.atomic
def update(
    *, actor: User, ref: str, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> TaskShare:
    """Change the role of a share; None leaves it. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    locked = _lock_shareable_task(actor, ref)
    share = selectors.get_share(locked.task, user_id)
    check_version(share, versions, {} if role is None else {"role": role})
    if role is not None:
        _set_role(share, locked, role, actor)
    return share


@transaction.atomic
def remove(*, actor: User, ref: str, user_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Stop sharing a task with a user; users may give up their own shares.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    # Sharing is decided by the role in the project: a guest with a shared task cannot pass it on.
    locked = items_selectors.lock_task(actor, ref) if user_id == actor.pk else _lock_shareable_task(actor, ref)
    share = selectors.get_share(locked.task, user_id)
    check_version(share, versions)
    share.delete()
    _publish_unshared(locked.task, locked.payload(), user_id, actor)


def remove_all(*, actor: User, project: Project, user_id: uuid.UUID) -> None:
    """Stop sharing any task of a project with a user, in the caller's transaction."""
    shares = TaskShare.objects.filter(project=project, user=user_id)
    tasks = Task.objects.filter(shares__in=shares).with_relations().order_by("pk")
    # The events before the delete: this query finds the tasks by their shares.
    for task in tasks:
        _publish_unshared(task, task.payload(), user_id, actor)
    shares.delete()
    erasure.remove_shares(project.pk, user_id)


def _lock_shareable_task(actor: User, ref: str) -> LockedTask:
    locked = items_selectors.lock_task(actor, ref)
    require(policies.can_share(locked.project_role), "Only editors of the project may share its tasks.")
    policies.require_not_archived(locked.task.project)
    return locked


def _set_role(share: TaskShare, locked: LockedTask, role: str, actor: User) -> None:
    if share.role == role:
        return
    previous_role = share.role
    TaskShare.objects.filter(pk=share.pk).update(role=role, version=F("version") + 1)
    share.refresh_from_db()
    _publish_shared(share, locked, actor, previous_role=previous_role)


def _publish_shared(share: TaskShare, locked: LockedTask, actor: User, *, previous_role: str = "") -> None:
    event = events.TaskShared(
        task=locked.payload(), user_id=str(share.user_id), role=share.role, previous_role=previous_role
    )
    publish(event, actor=actor)
    invalidate_viewers(locked.task.project)


def _publish_unshared(task: Task, payload: TaskPayload, user_id: uuid.UUID, actor: User) -> None:
    publish(events.TaskUnshared(task=payload, user_id=str(user_id)), actor=actor)
    # The user is perhaps no longer among the viewers of the project.
    invalidate_viewers(task.project, user_id)
