"""Base classes of the admin: rows of projects that the administrator may see."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin, ServiceAdmin
from tasks.models import Project


class ProjectScopedAdmin(ServiceAdmin):
    """Admin of a part of a project; the project is set on creation only."""

    immutable_fields: tuple[str, ...] = ("project",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.immutable_fields if obj else ()


class TaskScopedAdmin(ReadOnlyAdmin):
    """Read-only admin of a part of a task, as far as the task is visible."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(task__project__in=visible)
