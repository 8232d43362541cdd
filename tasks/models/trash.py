from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.db import uuid7
from tasks.models.project import Project, ProjectMember, Role

# What nobody but its owner knows of; it belongs to no project here.
PRIVATE_KINDS = ("saved_filter", "reminder")


class TrashEntryQuerySet(models.QuerySet["TrashEntry"]):
    def visible_to(self, user: User) -> Self:
        """Return what editors of the projects may restore, and what the user deleted; inboxes stay private."""
        edited = ProjectMember.objects.filter(user=user.pk, effective_role__in=[Role.EDITOR, Role.ADMIN])
        visible = Q(project__in=edited.values("project")) | Q(deleted_by=user.pk)
        if user.is_admin:
            visible |= (Q(project=None) & ~Q(kind__in=PRIVATE_KINDS)) | Q(project__is_inbox=False)
        return self.filter(visible)

    def without_rows(self) -> Self:
        """Leave out the stored rows, of which a project may have megabytes."""
        return self.select_related("project", "deleted_by").defer("rows", "references")


class TrashEntry(models.Model):
    """One deleted object with all that was deleted with it.

    `rows` are the deleted rows by model label, `references` the columns of other rows that were set to null:
    [model label, column, primary key, former value]. A deleted row is in no other table, so nothing else has to leave
    it out.
    """

    class Kind(models.TextChoices):
        TASK = "task"
        COMMENT = "comment"
        ATTACHMENT = "attachment"
        CHECKLIST_ITEM = "checklist_item"
        TASK_RELATION = "task_relation", gettext_lazy("Relation")
        TIME_ENTRY = "time_entry"
        REMINDER = "reminder"
        RECURRENCE = "recurrence", gettext_lazy("Repetition")
        PROJECT = "project"
        LABEL = "label"
        SECTION = "section"
        STATE = "state", gettext_lazy("Status")
        TASK_TEMPLATE = "task_template"
        CUSTOM_FIELD = "custom_field"
        CUSTOM_FIELD_OPTION = "custom_field_option"
        SAVED_FILTER = "saved_filter"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    object_id = models.UUIDField()
    title = models.CharField(max_length=560)
    # Null for a deleted project itself, and for parts of it while it is in the trash.
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="trash_entries")
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    deleted_at = models.DateTimeField()
    purge_at = models.DateTimeField()
    row_count = models.PositiveIntegerField()
    rows: models.JSONField[dict[str, list[dict[str, Any]]]] = models.JSONField()
    references: models.JSONField[list[list[Any]]] = models.JSONField(default=list)

    objects = TrashEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "trash entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="an_object_is_in_the_trash_once"),
            models.CheckConstraint(
                name="a_trash_entry_is_purged_after_its_deletion", condition=Q(purge_at__gte=models.F("deleted_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="trash_project"),
            models.Index(fields=["deleted_by", "-id"], name="trash_deleted_by"),
            models.Index(fields=["purge_at"], name="trash_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.title}"

    @property
    def model_label(self) -> str:
        return model_label(self.kind)


def model_label(kind: str) -> str:
    """Return the label of the model of a kind: `saved_filter` is `tasks.SavedFilter`."""
    return f"tasks.{kind.title().replace('_', '')}"
