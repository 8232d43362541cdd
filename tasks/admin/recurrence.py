"""Admin of series and reminders: read-only, since services keep them and their tasks together."""

from __future__ import annotations

from django.contrib import admin

from tasks.admin.base import TaskScopedAdmin
from tasks.models import Occurrence, Recurrence, Reminder


@admin.register(Recurrence)
class RecurrenceAdmin(TaskScopedAdmin):
    list_display = ("task", "rule", "mode", "time_zone", "occurs_on", "number", "missed_at")
    list_filter = ("mode", ("missed_at", admin.EmptyFieldListFilter))
    list_select_related = ("task__project",)
    search_fields = ("rule", "task__title")
    ordering = ("-pk",)


@admin.register(Occurrence)
class OccurrenceAdmin(TaskScopedAdmin):
    list_display = ("task", "recurrence", "number", "occurs_on")
    list_select_related = ("task__project", "recurrence")
    search_fields = ("task__title",)
    ordering = ("-pk",)


@admin.register(Reminder)
class ReminderAdmin(TaskScopedAdmin):
    """Admin of reminders: when they fire, not what a user chose for which task at which time of their day."""

    list_display = ("task", "user", "fires_at", "sent_at", "is_stale")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), "is_stale")
    list_select_related = ("task__project", "user")
    search_fields = ("user__name", "=user__email", "task__title")
    ordering = ("-pk",)
