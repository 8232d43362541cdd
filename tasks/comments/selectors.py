import uuid

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFound
from tasks.models import Comment, Task


def list_comments(task: Task) -> QuerySet[Comment]:
    """Return the comments of a task with their authors."""
    return Comment.objects.filter(task=task).with_relations()


def get_comment(task: Task, comment_id: uuid.UUID) -> Comment:
    """Return one comment of a task. Raises NotFound."""
    comment = list_comments(task).filter(pk=comment_id).first()
    if comment is None:
        raise NotFound("There is no such comment.")
    return comment


def get_own_comment(author: User, task: Task, comment_id: uuid.UUID) -> Comment:
    """Return a comment for its author to change. Raises NotFound for a comment of another user."""
    comment = list_comments(task).filter(pk=comment_id, author=author).first()
    if comment is None:
        raise NotFound("There is no such comment of yours.")
    return comment
