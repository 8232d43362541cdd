"""The inbox and its switches."""

from __future__ import annotations

import uuid
from typing import cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from gateway import query
from gateway.pagination import Window
from gateway.preconditions import if_match, tag
from gateway.renderers import dumps
from gateway.schema import page_of
from gateway.views import ApiView, listing, parse
from notifications import selectors, services
from notifications.api.serializers import (
    MarkedOut,
    NotificationOut,
    NotificationQuery,
    PreferencesOut,
    PreferencesPatch,
    ReadAllInput,
)
from notifications.kinds import Channel, Kind


class NotificationsView(ApiView):
    @extend_schema(
        operation_id="list_notifications", parameters=[NotificationQuery], responses=page_of(NotificationOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query.parse(NotificationQuery, request.query_params)
        window = Window.of(
            wanted, sorts=selectors.SORTS, default=selectors.NEWEST_FIRST, owner=str(_person(request).pk)
        )
        piece = selectors.list_inbox(_person(request), window, kind=wanted.get("kind", ""), unread=wanted.get("unread"))
        return listing(request, piece, NotificationOut, wanted.get("fields"))


class ReadView(ApiView):
    @extend_schema(operation_id="mark_notification_read", request=None, responses=NotificationOut)
    def post(self, request: Request, notification_id: uuid.UUID) -> Response:
        services.mark_read(actor=_person(request), notification_id=notification_id, now=timezone.now())
        return _answer(request, notification_id)


class UnreadView(ApiView):
    @extend_schema(operation_id="mark_notification_unread", request=None, responses=NotificationOut)
    def post(self, request: Request, notification_id: uuid.UUID) -> Response:
        services.mark_unread(actor=_person(request), notification_id=notification_id)
        return _answer(request, notification_id)


class ReadAllView(ApiView):
    @extend_schema(operation_id="mark_all_notifications_read", request=ReadAllInput, responses=MarkedOut)
    def post(self, request: Request) -> Response:
        sent = parse(ReadAllInput, request)
        marked = services.mark_all_read(actor=_person(request), until=sent.get("until"), now=timezone.now())
        return Response({"marked": marked})


class PreferencesView(ApiView):
    @extend_schema(operation_id="get_notification_preferences", responses=PreferencesOut)
    def get(self, request: Request) -> Response:
        query.parse(query.Query, request.query_params)
        return _preferences(request)

    @extend_schema(operation_id="update_notification_preferences", request=PreferencesPatch, responses=PreferencesOut)
    def patch(self, request: Request) -> Response:
        sent = parse(PreferencesPatch, request, partial=True)
        switches = {
            Kind(kind): {Channel(channel): enabled for channel, enabled in channels.items()}
            for kind, channels in sent.items()
        }
        services.set_preferences(actor=_person(request), switches=switches, versions=if_match(request._request))
        return _preferences(request)


def _person(request: Request) -> User:
    return cast("User", request.user)


def _answer(request: Request, notification_id: uuid.UUID) -> Response:
    return Response(NotificationOut(selectors.get_notification(_person(request), notification_id)).data)


def _preferences(request: Request) -> Response:
    matrix = selectors.preferences(_person(request))
    body = {kind.value: {channel.value: on for channel, on in row.items()} for kind, row in matrix.items()}
    return Response(body, headers={"ETag": tag(selectors.version_of(matrix), dumps(body))})
