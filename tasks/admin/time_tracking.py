from __future__ import annotations

from django.contrib import admin

from tasks.admin.base import TaskScopedAdmin
from tasks.models import TimeEntry


@admin.register(TimeEntry)
class TimeEntryAdmin(TaskScopedAdmin):
    list_display = ("user", "task", "started_at", "ended_at", "minutes")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "task__project")
    search_fields = ("user__name", "=user__email", "=task__project__key")
    ordering = ("-pk",)
