from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from tasks.models import ProjectInvitation


@admin.register(ProjectInvitation)
class ProjectInvitationAdmin(ReadOnlyAdmin):
    list_display = ("invitation", "project", "role")
    list_filter = ("role",)
    list_select_related = ("invitation", "project")
    search_fields = ("=invitation__email", "=project__key")
    ordering = ("-pk",)
