from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.db import uuid7
from tasks.models.comment import Comment
from tasks.models.task import Task

MAX_EMOJI_LENGTH = 32


class Reaction(models.Model):
    """A user's emoji on a task, or on the comment of it that is named."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Also of a reaction to a comment: a page reads all that it shows with one query.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="reactions")
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True, related_name="reactions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reactions")
    emoji = models.CharField(max_length=MAX_EMOJI_LENGTH)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "user", "emoji"],
                condition=Q(comment=None),
                name="a_user_reacts_once_to_a_task_with_an_emoji",
            ),
            models.UniqueConstraint(
                fields=["comment", "user", "emoji"],
                condition=Q(comment__isnull=False),
                name="a_user_reacts_once_to_a_comment_with_an_emoji",
            ),
            models.CheckConstraint(name="a_reaction_has_an_emoji", condition=~Q(emoji="")),
        ]

    def __str__(self) -> str:
        return f"{self.emoji} by {self.user_id}"
