"""API of the inbox: list notifications and mark them as read or unread."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from core.api.endpoints import all_projects
from core.api.fields import StrictSerializer, StrictUUIDField
from core.api.generics import ActionView, ListView
from core.api.pagination import PageQuerySerializer
from core.api.query_params import BooleanQueryField
from notifications.inbox import selectors, services
from notifications.kinds import Kind
from notifications.models import Notification


class NotificationOut(serializers.ModelSerializer[Notification]):
    reason = serializers.CharField(help_text="Why the reader gets this notification.")

    class Meta:
        model = Notification
        fields = [
            "id",
            "kind",
            "title",
            "body",
            "url",
            "reason",
            "actor_name",
            "task_id",
            "task_key",
            "task_title",
            "project_id",
            "project_name",
            "team_id",
            "team_name",
            "due_date",
            "due_at",
            "created_at",
            "read_at",
        ]
        read_only_fields = fields


class NotificationQuery(PageQuerySerializer):
    unread = BooleanQueryField(required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)


class ReadAllInput(StrictSerializer):
    until = StrictUUIDField(required=False, help_text="Leave unread what arrived after this notification.")


class ReadAllOut(serializers.Serializer[Any]):
    marked = serializers.IntegerField(help_text="How many notifications were unread before.")


class NotificationListView(ListView):
    operation_ids = {"get": "list_notifications"}
    api_key_scope = {"GET": "notifications:read"}
    project_from = all_projects
    serializer_class = NotificationOut
    query_serializer_class = NotificationQuery
    ordering_fields = selectors.SORTS
    default_ordering = selectors.NEWEST_FIRST
    list_selector = selectors.filter_inbox


class NotificationReadView(ActionView):
    operation_ids = {"post": "mark_notification_read"}
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects
    serializer_class = NotificationOut
    has_versions = False

    def perform_action(self, data: dict[str, Any], notification_id: uuid.UUID) -> Notification:
        services.mark_read(actor=self.user, notification_id=notification_id, now=self.now)
        return selectors.get_notification(self.user, notification_id)


class NotificationUnreadView(ActionView):
    operation_ids = {"post": "mark_notification_unread"}
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects
    serializer_class = NotificationOut
    has_versions = False

    def perform_action(self, data: dict[str, Any], notification_id: uuid.UUID) -> Notification:
        services.mark_unread(actor=self.user, notification_id=notification_id)
        return selectors.get_notification(self.user, notification_id)


class NotificationReadAllView(ActionView):
    operation_ids = {"post": "mark_all_notifications_read"}
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects
    serializer_class = ReadAllOut
    input_serializer_class = ReadAllInput
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> dict[str, int]:
        return {"marked": services.mark_all_read(actor=self.user, until=data.get("until"), now=self.now)}
