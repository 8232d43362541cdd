"""Writes of comments: add, update, delete."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Invalid, NotFound, require
from core.etags import check_version
from core.markdown import make_excerpt, rendered_columns
from core.text import is_blank
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.items import selectors as items_selectors
from tasks.items.selectors import LockedTask
from tasks.mentions import newly_mentioned
from tasks.models import Comment, CommentVersion
from tasks.trash.storage import collect, discard
from tasks.watching import selectors as watching_selectors

# Not within a word, so that an email address mentions nobody.


@transaction.atomic
def add(*, actor: User, ref: str, body: str, now: datetime) -> Comment:
    """Comment on a task, and mention the users named as @handle who can see it.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    locked = items_selectors.lock_task(actor, ref)
    task = locked.task
    require(policies.can_comment(locked.role), "You may read this task, not comment on it.")
    policies.require_not_archived(task.project)
    _require_text(body)
    comment = Comment.objects.create(task=task, author=actor, created_at=now, **rendered_columns("body", body))

    # Computed here, under the lock: a consumer would see the watchers of a later moment.
    audience = set(watching_selectors.watchers(task.pk).values_list("pk", flat=True)) - {actor.pk}
    event = events.TaskCommented(
        task=locked.payload(),
        comment_id=str(comment.pk),
        excerpt=make_excerpt(body, events.MAX_EXCERPT_LENGTH),
        mentioned_ids=newly_mentioned(actor=actor, task_id=task.pk, text=body),
        audience_ids=sorted(map(str, audience)),
    )
    publish(event, actor=actor, at=now)
    invalidate_viewers(task.project)
    return comment


@transaction.atomic
def update(
    *,
    actor: User,
    ref: str,
    comment_id: uuid.UUID,
    body: str | None,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Comment:
    """Change the actor's own comment. Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict."""
    locked, comment = _lock_comment(actor, ref, comment_id)
    require(comment.author_id == actor.pk, "Only its author may change a comment.")
    check_version(comment, versions, {} if body is None else {"body": body})
    if body is None:
        return comment
    _require_text(body)
    if body != comment.body:
        # A correction notifies no user but those it newly names.
        mentioned_ids = newly_mentioned(
            actor=actor, task_id=locked.task.pk, text=body, before=comment.body, comment_id=str(comment.pk)
        )
        if mentioned_ids:
            event = events.TaskMentioned(
                task=locked.payload(),
                comment_id=str(comment.pk),
                excerpt=make_excerpt(body, events.MAX_EXCERPT_LENGTH),
                mentioned_ids=mentioned_ids,
            )
            publish(event, actor=actor, at=now)
        CommentVersion.objects.create(
            comment=comment,
            version=comment.version,
            body=comment.body,
            created_at=comment.edited_at or comment.created_at,
        )
        Comment.objects.filter(pk=comment.pk).update(
            **rendered_columns("body", body), edited_at=now, version=F("version") + 1
        )
        comment.refresh_from_db()
        edited = events.CommentEdited(
            task=locked.payload(), comment_id=str(comment.pk), comment_version=comment.version
        )
        publish(edited, actor=actor, at=now)
        invalidate_viewers(locked.task.project)
    return comment


@transaction.atomic
def delete(
    *, actor: User, ref: str, comment_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move the actor's own comment to the trash, or any as a project admin.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    locked, comment = _lock_comment(actor, ref, comment_id)
    is_allowed = comment.author_id == actor.pk or policies.can_manage(locked.project_role)
    require(is_allowed, "Only its author or an admin of the project may delete a comment.")
    check_version(comment, versions)
    event = events.CommentDeleted(task=locked.payload(), comment_id=str(comment.pk), author_id=str(comment.author_id))
    project = locked.task.project
    title = f"Comment on {locked.task.key}"
    discard(collect(comment), kind="comment", obj=comment, title=title, project=project, actor=actor, now=now)
    publish(event, actor=actor, at=now)
    invalidate_viewers(project)


def _lock_comment(actor: User, ref: str, comment_id: uuid.UUID) -> tuple[LockedTask, Comment]:
    locked = items_selectors.lock_task(actor, ref)
    policies.require_not_archived(locked.task.project)
    comment = Comment.objects.select_for_update().filter(task=locked.task, pk=comment_id).first()
    if comment is None:
        raise NotFound(gettext("There is no such comment."))
    # The instance that is loaded already, or Django would query it again.
    comment.task = locked.task
    return locked, comment


def _require_text(body: str) -> None:
    if is_blank(body):
        raise Invalid.field("body", gettext("Write something."), "blank")
