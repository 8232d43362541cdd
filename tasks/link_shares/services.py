"""Writes of links to tasks: create, revoke, and join the task that a link shows."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound, require
from events.outbox import publish
from tasks import events, policies
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.link_shares import selectors
from tasks.models import LinkRole, LinkShare, Task
from tasks.models.link_share import MAX_LINKS
from tasks.sharing import services as sharing

MIN_PASSWORD_LENGTH = 8


def create(
    *,
    actor: User,
    ref: str,
    now: datetime,
    role: str = LinkRole.VIEWER,
    password: str = "",
    expires_at: datetime | None = None,
) -> LinkShare:
    """Create a link to a task. Raises NotFound, NotAllowed, Conflict, Invalid."""
    if password and len(password) < MIN_PASSWORD_LENGTH:
        raise Invalid.field(
            "password",
            gettext("At least %(min_password_length)s characters.") % {"min_password_length": MIN_PASSWORD_LENGTH},
            "too_short",
        )
    if expires_at and expires_at <= now:
        raise Invalid.field("expires_at", gettext("Choose a time in the future."), "past")
    # Before the transaction: it takes a while, and must not hold the task's lock.
    password_hash = make_password(password) if password else ""
    with transaction.atomic():
        locked = _lock_shareable_task(actor, ref)
        if selectors.usable_links(locked.task).count() >= MAX_LINKS:
            raise Conflict(
                gettext("A task has at most %(max_links)s links. Revoke one first.") % {"max_links": MAX_LINKS},
                code="too_many_links",
            )
        link = LinkShare.objects.create(
            task=locked.task,
            creator=actor,
            role=role,
            password_hash=password_hash,
            expires_at=expires_at,
            created_at=now,
        )
        publish(events.TaskLinkCreated(task=locked.payload(), link_id=str(link.pk), role=role), actor=actor, at=now)
    return link


@transaction.atomic
def revoke(*, actor: User, ref: str, link_id: uuid.UUID, now: datetime) -> None:
    """Revoke a link: from the commit on it shows nothing. Raises NotFound, NotAllowed, Conflict."""
    locked = _lock_shareable_task(actor, ref)
    if not LinkShare.objects.usable().filter(task=locked.task, pk=link_id).update(revoked_at=now):
        raise NotFound(gettext("There is no such link."))
    publish(events.TaskLinkRevoked(task=locked.payload(), link_id=str(link_id)), actor=actor, at=now)


@transaction.atomic
def join(*, user: User, link: LinkShare) -> None:
    """Share the task of a link with a signed-in user, so that they can comment. Raises NotAllowed, NotFound."""
    require(link.role == LinkRole.COMMENTER, "This link lets you read the task, not comment on it.")
    # Locked against a revocation at the same time.
    if not LinkShare.objects.usable().select_for_update(no_key=True).filter(pk=link.pk).exists():
        raise NotFound(selectors.LINK_NOT_FOUND)
    if not Task.objects.visible_to(user).filter(pk=link.task_id).exists():
        sharing.add(actor=link.creator, ref=str(link.task_id), role=LinkRole.COMMENTER, user_id=user.pk)


def _lock_shareable_task(actor: User, ref: str) -> LockedTask:
    locked = items_selectors.lock_task(actor, ref)
    require(policies.can_share(locked.project_role), "Only editors of the project may share its tasks by link.")
    policies.require_not_archived(locked.task.project)
    return locked
