from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.clock import current_time
from tasks.admin.base import ProjectScopedAdmin, TaskScopedAdmin
from tasks.admin.forms import ProjectTeamForm
from tasks.members import teams
from tasks.models import ProjectTeam, TaskShare


@admin.register(ProjectTeam)
class ProjectTeamAdmin(ProjectScopedAdmin):
    form = ProjectTeamForm
    immutable_fields = ("project", "team")
    list_display = ("team", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("team", "project")
    search_fields = ("team__name", "=project__key")
    ordering = ("project__key", "team__name", "pk")
    raw_id_fields = ("project", "team")

    def delete_model(self, request: HttpRequest, obj: ProjectTeam) -> None:
        teams.remove(actor=get_request_user(request), ref=str(obj.project_id), team_id=obj.team_id, now=current_time())


@admin.register(TaskShare)
class TaskShareAdmin(TaskScopedAdmin):
    list_display = ("user", "task", "role", "shared_by", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "task__project", "shared_by")
    search_fields = ("user__name", "=user__email", "=project__key")
    ordering = ("-pk",)
