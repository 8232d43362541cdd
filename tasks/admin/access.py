from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import person_of
from tasks import services
from tasks.admin.forms import ProjectTeamForm
from tasks.admin.scope import InProjectAdmin, OfTaskAdmin
from tasks.models import ProjectTeam, TaskShare


@admin.register(ProjectTeam)
class ProjectTeamAdmin(InProjectAdmin):
    form = ProjectTeamForm
    fixed = ("project", "team")
    list_display = ("team", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("team", "project")
    search_fields = ("team__name", "=project__key")
    ordering = ("project__key", "team__name", "pk")
    raw_id_fields = ("project", "team")

    def delete_model(self, request: HttpRequest, obj: ProjectTeam) -> None:
        services.remove_project_team(
            actor=person_of(request), ref=str(obj.project_id), team_id=obj.team_id, now=timezone.now()
        )


@admin.register(TaskShare)
class TaskShareAdmin(OfTaskAdmin):
    list_display = ("user", "task", "role", "shared_by", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "task__project", "shared_by")
    search_fields = ("user__name", "=user__email", "=project__key")
    ordering = ("-pk",)
