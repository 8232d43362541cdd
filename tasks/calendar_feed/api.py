"""API of the caller's calendar feed."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.generics import CreateView, DeleteView, DetailView
from tasks.calendar_feed import selectors, services
from tasks.calendar_feed.selectors import FeedState


class CalendarFeedOut(serializers.Serializer[FeedState]):
    url = serializers.CharField(
        allow_null=True, help_text="For a calendar program. Shown once, in the response to the creation."
    )
    created_at = serializers.DateTimeField(allow_null=True, help_text="Null without a feed.")


class CalendarFeedView(DetailView, CreateView, DeleteView):
    """Feed of the caller's tasks for calendar programs; a new one replaces the former."""

    operation_ids = {
        "get": "get_calendar_feed",
        "post": "create_calendar_feed",
        "delete": "revoke_calendar_feed",
    }
    api_key_scope = None
    serializer_class = CalendarFeedOut
    # The address is a secret, and no response with it is kept.
    idempotent = False
    has_versions = False
    object_selector = selectors.get_feed

    def create_object(self, data: dict[str, Any]) -> FeedState:
        return services.create(actor=self.user, now=self.now)

    def delete_object(self) -> None:
        services.revoke(actor=self.user)
