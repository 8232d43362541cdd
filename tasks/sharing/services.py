from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import F

from accounts.models import User
from accounts.users import services as users
from core.errors import Invalid
from core.versions import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import locking
from tasks.items.locking import load_task_payload
from tasks.models import Project, Task, TaskShare
from tasks.permissions import require_not_archived
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors


@transaction.atomic
def add(*, actor: User, ref: str, role: str, user_id: uuid.UUID | None = None, email: str = "") -> TaskShare:
    """Let one person see one task, whatever projects they are in, or give them another role on it."""
    task = _lock_shareable_task(actor, ref)
    user = selectors.resolve_user(user_id, email)
    if user.pk == actor.pk:
        raise Invalid.field("user" if user_id else "email", "You see this task already.", "yourself")
    share = TaskShare.objects.filter(task=task, user=user).first()
    if share is not None:
        _set_role(share, task, role, actor)
        return share
    users.mark_as_guest(actor=actor, user=user)
    share = TaskShare.objects.create(task=task, project=task.project, user=user, role=role, shared_by=actor)
    _publish_shared(share, task, actor)
    return share


@transaction.atomic
def update(
    *, actor: User, ref: str, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> TaskShare:
    """Give a person another role on a task that is shared with them; none leaves it as it is."""
    task = _lock_shareable_task(actor, ref)
    share = selectors.get_share(task, user_id)
    check_version(share, versions, {} if role is None else {"role": role})
    if role is not None:
        _set_role(share, task, role, actor)
    return share


@transaction.atomic
def remove(*, actor: User, ref: str, user_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Take a shared task back; anybody may give up what was shared with them."""
    task = locking.lock_task(actor, ref) if user_id == actor.pk else _lock_shareable_task(actor, ref)
    share = selectors.get_share(task, user_id)
    check_version(share, versions)
    share.delete()
    _publish_unshared(task, user_id, actor)


def remove_all(*, actor: User, project: Project, user_id: uuid.UUID) -> None:
    """Take back all of a project that was shared with one person, in the caller's transaction."""
    found = TaskShare.objects.filter(project=project, user=user_id).select_related("task__project", "task__state")
    for share in found.order_by("task"):
        _publish_unshared(share.task, user_id, actor)
    found.delete()


def _lock_shareable_task(actor: User, ref: str) -> Task:
    task = locking.lock_task(actor, ref)
    may = policies.can_share(projects_selectors.project_role(actor, task.project))
    policies.require(may, "Only editors of the project may share its tasks.")
    require_not_archived(task.project)
    return task


def _set_role(share: TaskShare, task: Task, role: str, actor: User) -> None:
    if share.role == role:
        return
    previous_role = share.role
    TaskShare.objects.filter(pk=share.pk).update(role=role, version=F("version") + 1)
    share.refresh_from_db()
    _publish_shared(share, task, actor, previous_role=previous_role)


def _publish_shared(share: TaskShare, task: Task, actor: User, *, previous_role: str = "") -> None:
    fact = events.TaskShared(
        task=load_task_payload(task), user_id=str(share.user_id), role=share.role, previous_role=previous_role
    )
    publish(fact, actor=actor)
    invalidate_viewers(task.project)


def _publish_unshared(task: Task, user_id: uuid.UUID, actor: User) -> None:
    publish(events.TaskUnshared(task=load_task_payload(task), user_id=str(user_id)), actor=actor)
    invalidate_viewers(task.project, user_id)
