from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin
from core.clock import current_time
from core.text import truncate
from tasks.admin.base import ProjectScopedAdmin, TaskScopedAdmin
from tasks.admin.forms import WRITABLE_FIELDS, TaskForm
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.models import (
    Attachment,
    BulkJob,
    ChecklistItem,
    Comment,
    FormerTaskKey,
    ImportedRecord,
    ImportJob,
    LinkShare,
    Project,
    Reaction,
    StoredFile,
    Task,
    TaskAssignee,
    TaskRelation,
    TaskWatch,
)


@admin.register(Task)
class TaskAdmin(ProjectScopedAdmin):
    form = TaskForm
    list_display = ("key", "title", "project", "state", "priority", "creator", "due_date", "due_at", "updated_at")
    list_filter = ("category", "priority", ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("project", "state", "creator")
    search_fields = ("title",)
    search_help_text = "Words of the title or description, or a key like OPS-42."
    ordering = ("-created_at", "-pk")
    raw_id_fields = ("project",)
    immutable_fields = ("key", "project", "creator", "created_at", "updated_at", "started_at", "closed_at")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ["project", *WRITABLE_FIELDS]
        return ["key", "project", "title", "status", *WRITABLE_FIELDS[1:], "version", *self.immutable_fields[2:]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        # The search of the task lists, which has an index, instead of LIKE over all titles.
        return (queryset.search(search_term) if search_term else queryset), False  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Task) -> None:
        items.delete(actor=get_request_user(request), ref=str(obj.pk), now=current_time())


@admin.register(TaskAssignee)
class TaskAssigneeAdmin(TaskScopedAdmin):
    list_display = ("user", "task", "created_at")
    list_select_related = ("user", "task__project")
    search_fields = ("user__name", "=user__email", "task__title")
    ordering = ("-pk",)


@admin.register(ChecklistItem)
class ChecklistItemAdmin(TaskScopedAdmin):
    list_display = ("text", "task", "is_done", "assignee", "due_date")
    list_filter = ("is_done",)
    list_select_related = ("assignee", "task__project")
    search_fields = ("text", "assignee__name")
    ordering = ("-pk",)


@admin.register(TaskRelation)
class TaskRelationAdmin(ReadOnlyAdmin):
    list_display = ("source", "kind", "target", "created_at")
    list_filter = ("kind",)
    list_select_related = ("source__project", "target__project")
    search_fields = ("source__title", "target__title")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskRelation]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        rows = super().get_queryset(request)
        return rows.filter(source__project__in=visible, target__project__in=visible)


@admin.register(BulkJob)
class BulkJobAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "state", "total", "updated", "created_at")
    list_filter = ("kind", "state")
    list_select_related = ("user",)
    search_fields = ("user__name", "=user__email")
    # What is changed may quote what users wrote; it is not needed to operate the site.
    fields = ("user", "kind", "state", "total", "updated", "error", "created_at")
    ordering = ("-pk",)


@admin.register(LinkShare)
class LinkShareAdmin(TaskScopedAdmin):
    """Admin of links, without what would open them."""

    list_display = ("task", "role", "creator", "created_at", "expires_at", "revoked_at")
    list_filter = ("role", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("creator", "task__project")
    search_fields = ("task__title", "creator__name")
    fields = ("task", "role", "creator", "created_at", "expires_at", "revoked_at")
    ordering = ("-pk",)


@admin.register(TaskWatch)
class TaskWatchAdmin(TaskScopedAdmin):
    list_display = ("user", "task", "is_watching", "created_at")
    list_filter = ("is_watching",)
    list_select_related = ("user", "task__project")
    search_fields = ("user__name", "task__title")
    ordering = ("-pk",)


@admin.register(Reaction)
class ReactionAdmin(TaskScopedAdmin):
    list_display = ("emoji", "user", "task", "comment", "created_at")
    list_select_related = ("user", "task__project", "comment")
    search_fields = ("user__name", "task__title")
    ordering = ("-pk",)


@admin.register(Comment)
class CommentAdmin(TaskScopedAdmin):
    """Admin of comments: read-only, since a comment is its author's word; it can be removed."""

    list_display = ("author", "task", "beginning", "created_at", "edited_at")
    list_filter = (("edited_at", admin.EmptyFieldListFilter),)
    list_select_related = ("author", "task__project")
    search_fields = ("body", "=author__email")
    ordering = ("-pk",)
    actions = ("remove",)

    @admin.display(description="comment")
    def beginning(self, comment: Comment) -> str:
        return truncate(comment.body, 80)

    @admin.action(description="Remove these comments")
    def remove(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        def verb(comment: Comment) -> None:
            # By the service, one by one: a bulk delete would skip its permissions.
            comments.delete(
                actor=get_request_user(request), ref=str(comment.task_id), comment_id=comment.pk, now=current_time()
            )

        self.each(request, queryset, verb, "comments removed")


@admin.register(Attachment)
class AttachmentAdmin(TaskScopedAdmin):
    list_display = ("name", "task", "uploader", "file", "created_at")
    list_select_related = ("uploader", "file", "task__project")
    search_fields = ("name", "=uploader__email")
    ordering = ("-pk",)


@admin.register(FormerTaskKey)
class FormerTaskKeyAdmin(TaskScopedAdmin):
    list_display = ("project_key", "number", "task", "created_at")
    list_select_related = ("task__project",)
    search_fields = ("=project_key", "=number")
    ordering = ("-pk",)


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """Admin of the storage: what is stored, without the names that users gave it."""

    list_display = ("name", "media_type", "size", "state", "created_at", "unreferenced_since")
    list_filter = ("state", ("unreferenced_since", admin.EmptyFieldListFilter))
    search_fields = ("=name", "=sha256")
    ordering = ("-pk",)


@admin.register(ImportedRecord)
class ImportedRecordAdmin(ReadOnlyAdmin):
    list_display = ("source", "external_id", "project", "task", "created_at")
    list_filter = ("source",)
    list_select_related = ("project", "task__project")
    search_fields = ("=external_id", "=project__key")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportedRecord]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    list_display = ("source", "state", "project", "user", "created_at")
    list_filter = ("state", "source")
    list_select_related = ("project", "user")
    search_fields = ("=project__key", "user__name", "=user__email")
    # The file and its report hold what a user wrote; neither is needed to operate the site.
    fields = ("source", "state", "project", "user", "created_at")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)
