from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin
from tasks.admin.base import TaskScopedAdmin
from tasks.models import FilterMatch, FilterSubscription, SavedFilter


@admin.register(SavedFilter)
class SavedFilterAdmin(ReadOnlyAdmin):
    """Saved filters that the administrator may see: private ones of others stay private."""

    list_display = ("name", "owner", "filter", "project", "team", "everyone", "updated_at")
    list_filter = ("everyone",)
    list_select_related = ("owner", "project", "team")
    search_fields = ("name", "=owner__email", "=project__key")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = SavedFilter.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(pk__in=visible)


@admin.register(FilterSubscription)
class FilterSubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("user", "saved_filter", "is_current", "created_at")
    list_select_related = ("user", "saved_filter")
    search_fields = ("=user__email", "saved_filter__name")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = SavedFilter.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(saved_filter__in=visible)


@admin.register(FilterMatch)
class FilterMatchAdmin(TaskScopedAdmin):
    list_display = ("task", "subscription")
    list_select_related = ("task__project", "subscription")
    search_fields = ("=task__project__key",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = SavedFilter.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(subscription__saved_filter__in=visible)
