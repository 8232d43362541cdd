"""API of the notification preferences: one object with a member per kind."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.api import query_params
from core.api.endpoints import all_projects
from core.api.fields import StrictBooleanField, StrictSerializer
from core.api.preconditions import object_etag, parse_if_match
from core.api.renderers import dumps
from core.api.views import ApiView, parse_body
from notifications.kinds import Channel, Kind
from notifications.preferences import selectors, services


class ChannelsPatch(StrictSerializer):
    inbox = StrictBooleanField(required=False)
    email = StrictBooleanField(required=False)


class PreferencesPatch(StrictSerializer):
    """The channels to turn on or off, by kind; those left out stay as they are."""

    assigned = ChannelsPatch(required=False)
    mentioned = ChannelsPatch(required=False)
    commented = ChannelsPatch(required=False)
    due_soon = ChannelsPatch(required=False)
    shared = ChannelsPatch(required=False)
    added_to_project = ChannelsPatch(required=False)
    added_to_team = ChannelsPatch(required=False)


class ChannelsOut(serializers.Serializer[Any]):
    inbox = serializers.BooleanField()
    email = serializers.BooleanField()


class PreferencesOut(serializers.Serializer[Any]):
    assigned = ChannelsOut()
    mentioned = ChannelsOut()
    commented = ChannelsOut()
    due_soon = ChannelsOut()
    shared = ChannelsOut()
    added_to_project = ChannelsOut()
    added_to_team = ChannelsOut()


class PreferencesView(ApiView):
    api_key_scope = {"GET": "notifications:read", "PATCH": "notifications:write"}
    project_from = all_projects

    @extend_schema(operation_id="get_notification_preferences", responses=PreferencesOut)
    def get(self, request: Request) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return _preferences_response(cast("User", request.user))

    @extend_schema(operation_id="update_notification_preferences", request=PreferencesPatch, responses=PreferencesOut)
    def patch(self, request: Request) -> Response:
        data = parse_body(PreferencesPatch, request, partial=True)
        changes = {
            Kind(kind): {Channel(channel): enabled for channel, enabled in channels.items()}
            for kind, channels in data.items()
        }
        user = cast("User", request.user)
        services.set_preferences(actor=user, changes=changes, versions=parse_if_match(request._request))
        return _preferences_response(user)


def _preferences_response(user: User) -> Response:
    matrix = selectors.get_preferences(user)
    body = {
        kind.value: {channel.value: enabled for channel, enabled in channels.items()}
        for kind, channels in matrix.items()
    }
    return Response(body, headers={"ETag": object_etag(selectors.matrix_version(matrix), dumps(body))})
