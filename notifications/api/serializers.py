"""Shapes of notifications and preferences."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gateway.fields import Boolean, Input, Uuid
from gateway.pagination import PageQuery
from gateway.query import Flag
from notifications.kinds import Kind
from notifications.models import Notification


class NotificationOut(serializers.ModelSerializer[Notification]):
    reason = serializers.CharField(help_text="Why the reader was told.")

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


class NotificationQuery(PageQuery):
    unread = Flag(required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)


class ReadAllInput(Input):
    until = Uuid(required=False, help_text="Leave unread what arrived after this notification.")


class MarkedOut(serializers.Serializer[Any]):
    marked = serializers.IntegerField(help_text="How many notifications were unread before.")


class ChannelsPatch(Input):
    inbox = Boolean(required=False)
    email = Boolean(required=False)


class PreferencesPatch(Input):
    """One member per kind, each with the channels to switch."""

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
