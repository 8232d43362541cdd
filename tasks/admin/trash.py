from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin
from core.text import truncate
from tasks.models import CommentVersion, Project, TrashEntry


@admin.register(TrashEntry)
class TrashEntryAdmin(ReadOnlyAdmin):
    """Admin of the trash: what is in it and until when; it is restored on the page of the trash."""

    list_display = ("title", "kind", "project", "row_count", "deleted_by", "deleted_at", "purge_at")
    list_filter = ("kind",)
    list_select_related = ("project", "deleted_by")
    search_fields = ("title", "=object_id", "=project__key")
    fields = ("title", "kind", "object_id", "project", "row_count", "deleted_by", "deleted_at", "purge_at")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user = get_request_user(request)
        entries: QuerySet[Any] = super().get_queryset(request)
        return entries.filter(pk__in=TrashEntry.objects.visible_to(user).values("pk")).defer("rows", "references")


@admin.register(CommentVersion)
class CommentVersionAdmin(ReadOnlyAdmin):
    list_display = ("comment", "version", "beginning", "created_at")
    list_select_related = ("comment",)
    search_fields = ("body", "=comment__id")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        entries: QuerySet[Any] = super().get_queryset(request)
        return entries.filter(comment__task__project__in=visible)

    @admin.display(description="text")
    def beginning(self, version: CommentVersion) -> str:
        return truncate(version.body, 80)
