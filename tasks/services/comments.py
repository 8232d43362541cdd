from __future__ import annotations

import re
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import User
from core.errors import Invalid, NotFound
from events.publishing import publish
from tasks import events, policies, selectors
from tasks.models import Comment, Task
from tasks.services.shared import check_version, forget_answers, require_current

MENTION = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._-]{0,39})", re.IGNORECASE)
EXCERPT = 280


@transaction.atomic
def add_comment(*, actor: User, task_ref: str, body: str, now: datetime) -> Comment:
    """Comment on a task; people named as @handle who can see it are mentioned."""
    task = selectors.lock_task(actor, task_ref)
    policies.require(policies.can_comment(selectors.role_on(actor, task)), "You may read this task, not comment on it.")
    require_current(task.project)
    if not body.strip():
        raise Invalid.field("body", "Write something.", "blank")
    comment = Comment.objects.create(task=task, author=actor, body=body, created_at=now)
    publish(_fact(comment, task, actor), actor=actor, at=now)
    forget_answers(task.project)
    return comment


def _fact(comment: Comment, task: Task, actor: User) -> events.TaskCommented:
    assignees, labels = selectors.links_of(task)
    earlier = set(Comment.objects.filter(task=task).values_list("author_id", flat=True))
    return events.TaskCommented(
        task=events.state_of(task, assignee_ids=assignees, labels=labels.values()),
        comment_id=str(comment.pk),
        excerpt=comment.body[:EXCERPT],
        mentioned_ids=_mentioned(comment.body, task, actor),
        audience_ids=sorted(str(key) for key in (assignees | earlier | {task.creator_id}) - {actor.pk}),
    )


def _mentioned(body: str, task: Task, actor: User) -> list[str]:
    handles = {handle.lower().rstrip(".-_") for handle in MENTION.findall(body)}
    named = User.objects.active().filter(handle__in=handles).exclude(pk=actor.pk).values_list("pk", flat=True)
    return sorted(str(person.pk) for person in selectors.readers_among(task.pk, named)) if handles else []


@transaction.atomic
def edit_comment(
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
def delete_comment(
    *, actor: User, task_ref: str, comment_id: uuid.UUID, versions: frozenset[int] | None = None
) -> None:
    """Delete one's own comment; an admin of the project may delete anybody's."""
    comment = _lock_comment(actor, task_ref, comment_id)
    may = comment.author_id == actor.pk or policies.can_manage(selectors.role_in(actor, comment.task.project))
    policies.require(may, "Only its author or an admin of the project may delete a comment.")
    check_version(comment, versions, {})
    comment.delete()


def _lock_comment(actor: User, task_ref: str, comment_id: uuid.UUID) -> Comment:
    task = selectors.lock_task(actor, task_ref)
    require_current(task.project)
    found = Comment.objects.select_for_update().filter(task=task, pk=comment_id).first()
    if found is None:
        raise NotFound("There is no such comment.")
    found.task = task
    return found
