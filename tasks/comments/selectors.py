import uuid

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFound
from tasks.models import Comment, Task


def list_comments(task: Task) -> QuerySet[Comment]:
    return Comment.objects.filter(task=task).with_relations()


def get_comment(task: Task, comment_id: uuid.UUID) -> Comment:
    found = list_comments(task).filter(pk=comment_id).first()
    if found is None:
        raise NotFound("There is no such comment.")
    return found


def get_own_comment(author: User, task: Task, comment_id: uuid.UUID) -> Comment:
    """For changing it: what others wrote is as if it were not there."""
    found = list_comments(task).filter(pk=comment_id, author=author).first()
    if found is None:
        raise NotFound("There is no such comment of yours.")
    return found
