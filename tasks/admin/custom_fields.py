from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin
from core.text import truncate
from tasks.admin.base import TaskScopedAdmin
from tasks.models import CustomField, CustomFieldOption, CustomFieldValue, Project, ProjectField


class FieldScopedAdmin(ReadOnlyAdmin):
    """Read-only admin of custom fields, shared or of projects that the administrator sees."""

    project_lookup = "project"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        name = self.project_lookup
        return super().get_queryset(request).filter(Q(**{f"{name}__in": visible}) | Q(**{name: None}))


@admin.register(CustomField)
class CustomFieldAdmin(FieldScopedAdmin):
    list_display = ("name", "key", "kind", "project", "required", "created_at", "archived_at")
    list_filter = ("kind", "required", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("project",)
    search_fields = ("name", "=key", "=project__key")
    ordering = ("-pk",)


@admin.register(CustomFieldOption)
class CustomFieldOptionAdmin(FieldScopedAdmin):
    project_lookup = "field__project"
    list_display = ("name", "field", "slug", "colour", "position")
    list_select_related = ("field",)
    search_fields = ("name", "=slug", "=field__key")
    ordering = ("field", "position", "pk")


@admin.register(ProjectField)
class ProjectFieldAdmin(FieldScopedAdmin):
    list_display = ("project", "field", "position")
    list_select_related = ("project", "field")
    search_fields = ("=key", "=project__key")
    ordering = ("project__key", "position", "pk")


@admin.register(CustomFieldValue)
class CustomFieldValueAdmin(TaskScopedAdmin):
    list_display = ("task", "field", "value_text")
    list_filter = ("kind",)
    list_select_related = ("task__project", "field", "option", "user")
    search_fields = ("=field__key", "=task__project__key")
    ordering = ("-pk",)

    @admin.display(description="value")
    def value_text(self, row: CustomFieldValue) -> str:
        return truncate(str(row.option or row.user or row.value), 80)
