from __future__ import annotations

import re
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import User
from core.errors import Invalid, NotFound
from core.versions import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import locking
from tasks.models import Comment, Task
from tasks.permissions import require_not_archived
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors as sharing_selectors

MENTION_PATTERN = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._-]{0,39})", re.IGNORECASE)
EXCERPT_LENGTH = 280


@transaction.atomic
def add(*, actor: User, task_ref: str, body: str, now: datetime) -> Comment:
    """Comment on a task; people named as @handle who can see it are mentioned."""
    task = locking.lock_task(actor, task_ref)
    policies.require(
        policies.can_comment(sharing_selectors.task_role(actor, task)), "You may read this task, not comment on it."
    )
    require_not_archived(task.project)
    if not body.strip():
        raise Invalid.field("body", "Write something.", "blank")
    comment = Comment.objects.create(task=task, author=actor, body=body, created_at=now)
    publish(_commented_event(comment, task, actor), actor=actor, at=now)
    invalidate_viewers(task.project)
    return comment


def _commented_event(comment: Comment, task: Task, actor: User) -> events.TaskCommented:
    assignees, labels = locking.get_relations(task)
    earlier = set(Comment.objects.filter(task=task).values_list("author_id", flat=True))
    return events.TaskCommented(
        task=events.task_payload(task, assignee_ids=assignees, labels=labels.values()),
        comment_id=str(comment.pk),
        excerpt=comment.body[:EXCERPT_LENGTH],
        mentioned_ids=_mentioned_ids(comment.body, task, actor),
        audience_ids=sorted(str(key) for key in (assignees | earlier | {task.creator_id}) - {actor.pk}),
    )


def _mentioned_ids(body: str, task: Task, actor: User) -> list[str]:
    handles = {handle.lower().rstrip(".-_") for handle in MENTION_PATTERN.findall(body)}
    named = User.objects.active().filter(handle__in=handles).exclude(pk=actor.pk).values_list("pk", flat=True)
    return sorted(str(user.pk) for user in sharing_selectors.active_readers(task.pk, named)) if handles else []


@transaction.atomic
def update(
    *,
    actor: User,
    task_ref: str,
    comment_id: uuid.UUID,
    body: str | None,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Comment:
    """Change one's own comment."""
    comment = _lock_comment(actor, task_ref, comment_id)
    policies.require(comment.author_id == actor.pk, "Only its author may change a comment.")
    check_version(comment, versions, {"body": body} if body is not None else {})
    if body is None:
        return comment
    if not body.strip():
        raise Invalid.field("body", "Write something.", "blank")
    if body != comment.body:
        Comment.objects.filter(pk=comment.pk).update(body=body, edited_at=now, version=F("version") + 1)
        comment.refresh_from_db()
    return comment


@transaction.atomic
def delete(*, actor: User, task_ref: str, comment_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Delete one's own comment; an admin of the project may delete anybody's."""
    comment = _lock_comment(actor, task_ref, comment_id)
    may = comment.author_id == actor.pk or policies.can_manage(
        projects_selectors.project_role(actor, comment.task.project)
    )
    policies.require(may, "Only its author or an admin of the project may delete a comment.")
    check_version(comment, versions)
    comment.delete()


def _lock_comment(actor: User, task_ref: str, comment_id: uuid.UUID) -> Comment:
    task = locking.lock_task(actor, task_ref)
    require_not_archived(task.project)
    found = Comment.objects.select_for_update().filter(task=task, pk=comment_id).first()
    if found is None:
        raise NotFound("There is no such comment.")
    found.task = task
    return found
