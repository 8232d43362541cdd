from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import F

from accounts.models import User
from accounts.services import note_guest
from core.errors import Invalid
from events.publishing import publish
from tasks import events, policies, selectors
from tasks.models import Project, Task, TaskShare
from tasks.services.shared import check_version, forget_answers, person_named, require_current, task_state


@transaction.atomic
def share_task(*, actor: User, ref: str, role: str, user_id: uuid.UUID | None = None, email: str = "") -> TaskShare:
    """Let one person see one task, whatever projects they are in, or give them another role on it."""
    task = _lock_to_share(actor, ref)
    person = person_named(user_id, email)
    if person.pk == actor.pk:
        raise Invalid.field("user" if user_id else "email", "You see this task already.", "yourself")
    share = TaskShare.objects.filter(task=task, user=person).first()
    if share is not None:
        _give_role(share, task, role, actor)
        return share
    note_guest(actor=actor, person=person)
    share = TaskShare.objects.create(task=task, project=task.project, user=person, role=role, shared_by=actor)
    _tell_shared(share, task, actor)
    return share


@transaction.atomic
def change_share(
    *, actor: User, ref: str, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> TaskShare:
    """Give a person another role on a task that is shared with them; none leaves it as it is."""
    task = _lock_to_share(actor, ref)
    share = selectors.get_share(task, user_id)
    check_version(share, versions, {} if role is None else {"role": role})
    if role is not None:
        _give_role(share, task, role, actor)
    return share


@transaction.atomic
def unshare_task(*, actor: User, ref: str, user_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Take a shared task back; anybody may give up what was shared with them."""
    task = selectors.lock_task(actor, ref) if user_id == actor.pk else _lock_to_share(actor, ref)
    share = selectors.get_share(task, user_id)
    check_version(share, versions, {})
    share.delete()
    _tell_unshared(task, user_id, actor)


def end_shares(*, actor: User, project: Project, user_id: uuid.UUID) -> None:
    """Take back all of a project that was shared with one person, in the caller's transaction."""
    found = TaskShare.objects.filter(project=project, user=user_id).select_related("task__project", "task__state")
    for share in found.order_by("task"):
        _tell_unshared(share.task, user_id, actor)
    found.delete()


def _lock_to_share(actor: User, ref: str) -> Task:
    task = selectors.lock_task(actor, ref)
    may = policies.can_share(selectors.role_in(actor, task.project))
    policies.require(may, "Only editors of the project may share its tasks.")
    require_current(task.project)
    return task


def _give_role(share: TaskShare, task: Task, role: str, actor: User) -> None:
    if share.role == role:
        return
    was = share.role
    TaskShare.objects.filter(pk=share.pk).update(role=role, version=F("version") + 1)
    share.refresh_from_db()
    _tell_shared(share, task, actor, was=was)


def _tell_shared(share: TaskShare, task: Task, actor: User, *, was: str = "") -> None:
    fact = events.TaskShared(task=task_state(task), user_id=str(share.user_id), role=share.role, was=was)
    publish(fact, actor=actor)
    forget_answers(task.project)


def _tell_unshared(task: Task, user_id: uuid.UUID, actor: User) -> None:
    publish(events.TaskUnshared(task=task_state(task), user_id=str(user_id)), actor=actor)
    forget_answers(task.project, user_id)
