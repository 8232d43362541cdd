"""API of the notification preferences: one object with a member per kind."""

from typing import Any

from rest_framework import serializers

from core.api.endpoints import all_projects
from core.api.fields import StrictBooleanField, StrictSerializer
from core.api.generics import DetailView, UpdateView
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
    completed = ChannelsPatch(required=False)
    due_soon = ChannelsPatch(required=False)
    reminder = ChannelsPatch(required=False)
    shared = ChannelsPatch(required=False)
    entered_filter = ChannelsPatch(required=False)
    added_to_project = ChannelsPatch(required=False)
    added_to_team = ChannelsPatch(required=False)


class ChannelsOut(serializers.Serializer[Any]):
    inbox = serializers.BooleanField()
    email = serializers.BooleanField()


class PreferencesOut(serializers.Serializer[Any]):
    assigned = ChannelsOut()
    mentioned = ChannelsOut()
    commented = ChannelsOut()
    completed = ChannelsOut()
    due_soon = ChannelsOut()
    reminder = ChannelsOut()
    shared = ChannelsOut()
    entered_filter = ChannelsOut()
    added_to_project = ChannelsOut()
    added_to_team = ChannelsOut()


class PreferencesView(DetailView, UpdateView):
    operation_ids = {"get": "get_notification_preferences", "patch": "update_notification_preferences"}
    api_key_scope = {"GET": "notifications:read", "PATCH": "notifications:write"}
    project_from = all_projects
    serializer_class = PreferencesOut
    patch_serializer_class = PreferencesPatch
    object_selector = selectors.get_preferences

    def update_object(self, data: dict[str, Any]) -> selectors.PreferenceMatrix:
        changes = {
            Kind(kind): {Channel(channel): enabled for channel, enabled in channels.items()}
            for kind, channels in data.items()
        }
        services.set_preferences(actor=self.user, changes=changes, versions=self.versions)
        return selectors.get_preferences(self.user)
