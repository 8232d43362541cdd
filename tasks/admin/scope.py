"""What the admin pages of this app share: rows in projects that the administrator may see."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.callers import person_of
from core.admin import ReadOnlyAdmin, ServiceAdmin
from tasks.models import Project


class InProjectAdmin(ServiceAdmin):
    """A part of a project: chosen with it, and never moved to another."""

    fixed: tuple[str, ...] = ("project",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        mine = Project.objects.visible_to(person_of(request)).values("pk")
        return super().get_queryset(request).filter(project__in=mine)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.fixed if obj else ()


class OfTaskAdmin(ReadOnlyAdmin):
    """What hangs on a task, as far as the task may be seen."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        mine = Project.objects.visible_to(person_of(request)).values("pk")
        return super().get_queryset(request).filter(task__project__in=mine)
