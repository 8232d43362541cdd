"""API of the inbox: list notifications and mark them as read or unread."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.api import query_params
from core.api.endpoints import all_projects
from core.api.fields import StrictSerializer, StrictUUIDField
from core.api.pagination import PageQuerySerializer, PageRequest
from core.api.query_params import BooleanQueryField
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, parse_body
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


class NotificationListView(ApiView):
    api_key_scope = {"GET": "notifications:read"}
    project_from = all_projects

    @extend_schema(
        operation_id="list_notifications", parameters=[NotificationQuery], responses=page_serializer(NotificationOut)
    )
    def get(self, request: Request) -> Response:
        user = cast("User", request.user)
        params = query_params.parse_query(NotificationQuery, request.query_params)
        page_request = PageRequest.of(params, sorts=selectors.SORTS, default=selectors.NEWEST_FIRST, owner=str(user.pk))
        page = selectors.list_notifications(
            user, page_request, kind=params.get("kind", ""), unread=params.get("unread")
        )
        return list_response(request, page, NotificationOut, params.get("fields"))


class NotificationReadView(ApiView):
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects

    @extend_schema(operation_id="mark_notification_read", request=None, responses=NotificationOut)
    def post(self, request: Request, notification_id: uuid.UUID) -> Response:
        user = cast("User", request.user)
        services.mark_read(actor=user, notification_id=notification_id, now=timezone.now())
        return Response(NotificationOut(selectors.get_notification(user, notification_id)).data)


class NotificationUnreadView(ApiView):
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects

    @extend_schema(operation_id="mark_notification_unread", request=None, responses=NotificationOut)
    def post(self, request: Request, notification_id: uuid.UUID) -> Response:
        user = cast("User", request.user)
        services.mark_unread(actor=user, notification_id=notification_id)
        return Response(NotificationOut(selectors.get_notification(user, notification_id)).data)


class NotificationReadAllView(ApiView):
    api_key_scope = {"POST": "notifications:write"}
    project_from = all_projects

    @extend_schema(operation_id="mark_all_notifications_read", request=ReadAllInput, responses=ReadAllOut)
    def post(self, request: Request) -> Response:
        data = parse_body(ReadAllInput, request)
        marked = services.mark_all_read(actor=cast("User", request.user), until=data.get("until"), now=timezone.now())
        return Response({"marked": marked})
