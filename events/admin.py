from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin, json_lines
from events import delivery
from events.models import ArchivedEvents, Delivery, Event, LogHead, PersonalData
from events.private_content import hide_private


class SetAsideFilter(admin.SimpleListFilter):
    """Events that the relay could not append to the log."""

    title, parameter_name = "log", "set_aside"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Could not be appended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.exclude(append_error="") if self.value() == "yes" else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("id", "position", "name", "subject_type", "subject_id", "actor_id", "occurred_at", "append_error")
    list_filter = (SetAsideFilter, "name")
    search_fields = ("=subject_id", "=actor_id")
    ordering = ("-id",)
    actions = ("append_again",)
    fields = (
        "name", "version", "actor_id", "subject_type", "subject_id", "payload_lines", "occurred_at", "position", "hash",
        "commitments_lines", "append_error",
    )  # fmt: skip

    @admin.display(description="payload")
    def payload_lines(self, event: Event) -> str:
        return json_lines(hide_private(event.payload))

    @admin.display(description="commitments to personal data")
    def commitments_lines(self, event: Event) -> str:
        return json_lines(event.commitments)

    @admin.action(description="Try to append events that were set aside")
    def append_again(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        count = delivery.append_again(queryset)
        self.message_user(request, f"Events that the relay tries again: {count}.")


@admin.register(PersonalData)
class PersonalDataAdmin(ReadOnlyAdmin):
    list_display = ("id", "event_id", "user_id")
    search_fields = ("=event__id", "=user_id")
    # Which events hold personal data of whom; the values are read where they belong.
    fields = ("event_id", "user_id")
    ordering = ("-id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "event", "consumer", "state", "attempts", "next_attempt_at", "finished_at")
    list_filter = ("state", "consumer")
    list_select_related = ("event",)
    search_fields = ("=event__id",)
    ordering = ("-id",)
    actions = ("redeliver",)

    @admin.action(description="Redeliver dead letters")
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = delivery.redeliver(list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"Dead letters to be redelivered: {count}.")


@admin.register(LogHead)
class LogHeadAdmin(ReadOnlyAdmin):
    list_display = ("id", "position", "hash")


@admin.register(ArchivedEvents)
class ArchivedEventsAdmin(ReadOnlyAdmin):
    list_display = ("first_position", "last_position", "last_occurred_at", "file_name", "archived_at")
    search_fields = ("file_name", "sha256")
    ordering = ("-first_position",)
