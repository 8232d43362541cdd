from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin, json_lines
from events import delivery
from events.models import Delivery, Event, LogHead


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("id", "position", "name", "subject_type", "subject_id", "actor_id", "occurred_at")
    list_filter = ("name",)
    search_fields = ("=subject_id", "=actor_id")
    ordering = ("-id",)
    fields = (
        "name", "version", "actor_id", "subject_type", "subject_id", "payload_lines", "occurred_at", "position", "hash",
        "redacted_at",
    )  # fmt: skip

    @admin.display(description="payload")
    def payload_lines(self, event: Event) -> str:
        return json_lines(event.payload)


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
