from typing import Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.safestring import SafeString

from core.db import uuid7
from core.markdown import stored_or_rendered
from tasks.models.search import search_vector
from tasks.models.task import Task


class CommentQuerySet(models.QuerySet["Comment"]):
    def with_relations(self) -> Self:
        return self.select_related("author").defer("search")


class Comment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    # PROTECT: an erased user keeps a row without a name, so that a discussion keeps its sense.
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField(max_length=20_000)
    # The body as `core.markdown` of this version renders it, so that showing it does not; 0 for none.
    body_html = models.TextField(default="", db_default="", editable=False)
    body_html_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)
    search = models.GeneratedField(expression=search_vector("body"), output_field=SearchVectorField(), db_persist=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["task", "id"], name="comment_thread"),
            GinIndex(fields=["search"], name="comment_search"),
        ]
        constraints = [models.CheckConstraint(name="a_comment_is_not_empty", condition=~Q(body=""))]

    @property
    def html(self) -> SafeString:
        return stored_or_rendered(self.body_html, self.body_html_version, self.body)

    def __str__(self) -> str:
        return f"{self.author_id} on {self.task_id}"


class CommentVersion(models.Model):
    """Former text of an edited comment. It lives and goes with the comment, unlike anything in the event log."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    body = models.TextField(max_length=20_000)
    created_at = models.DateTimeField(help_text="When this text was written.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comment", "version"], name="a_comment_has_each_version_once"),
            models.CheckConstraint(name="a_comment_version_is_not_empty", condition=~Q(body="")),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id} version {self.version}"
