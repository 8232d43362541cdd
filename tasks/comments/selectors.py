import uuid
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext

from accounts.models import User
from core.errors import NotFound
from tasks.models import Comment, Task


def list_comments(task: Task) -> QuerySet[Comment]:
    """Return the comments of a task with their authors."""
    return Comment.objects.filter(task=task).with_relations()


class CommentSlice(NamedTuple):
    """Comments, oldest first; whether there are older ones; and the number of all."""

    comments: list[Comment]
    has_older: bool
    total: int


def list_newest_comments(task: Task, *, before: uuid.UUID | None = None, limit: int) -> CommentSlice:
    """Return the newest comments, or the newest of those before a comment."""
    rows = list_comments(task).order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    # One more, to know of older ones.
    newest = list(rows[: limit + 1])
    has_older = len(newest) > limit
    count = list_comments(task).count() if has_older or before else len(newest)
    return CommentSlice(newest[:limit][::-1], has_older, count)


def get_comment(task: Task, comment_id: uuid.UUID) -> Comment:
    """Return one comment of a task. Raises NotFound."""
    comment = list_comments(task).filter(pk=comment_id).first()
    if comment is None:
        raise NotFound(gettext("There is no such comment."))
    return comment


def get_own_comment(author: User, task: Task, comment_id: uuid.UUID) -> Comment:
    """Return a comment for its author to change. Raises NotFound for a comment of another user."""
    comment = list_comments(task).filter(pk=comment_id, author=author).first()
    if comment is None:
        raise NotFound(gettext("There is no such comment of yours."))
    return comment
