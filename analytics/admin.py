from __future__ import annotations

from django.contrib import admin

from analytics.models import DailyStat, RequestStatistics, TaskSnapshot
from core.admin import ReadOnlyAdmin


@admin.register(TaskSnapshot)
class TaskSnapshotAdmin(ReadOnlyAdmin):
    list_display = (
        "task_id",
        "project_id",
        "category",
        "created_at",
        "closed_at",
        "due",
        "version",
        "deleted",
        "counted_at",
    )
    list_filter = ("deleted", "counted_at")
    search_fields = ("=task_id", "=project_id")
    ordering = ("-counted_at",)


@admin.register(DailyStat)
class DailyStatAdmin(ReadOnlyAdmin):
    list_display = ("day", "project_id", "user_id", "created", "completed", "closed", "overdue_change")
    search_fields = ("=project_id", "=user_id")
    list_filter = ("day",)
    ordering = ("-day", "project_id", "user_id")


@admin.register(RequestStatistics)
class RequestStatisticsAdmin(ReadOnlyAdmin):
    list_display = ("start", "period", "client_errors", "server_errors", "rate_limited", "shed")
    list_filter = ("period", "start")
    search_fields = ("=period",)
    ordering = ("-start",)
    fields = ("period", "start", "client_errors", "server_errors", "rate_limited", "shed")
