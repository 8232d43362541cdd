from __future__ import annotations

from typing import Any

import pytest

from notifications.kinds import Channel, Kind
from notifications.models import Preference
from notifications.preferences.api import ChannelsOut, ChannelsPatch, PreferencesOut, PreferencesPatch

pytestmark = pytest.mark.django_db
URL = "/api/v1/notifications/preferences/"
KINDS = (
    "assigned",
    "mentioned",
    "commented",
    "completed",
    "due_soon",
    "reminder",
    "shared",
    "entered_filter",
    "added_to_project",
    "added_to_team",
)
ALL_ON = {kind: {"inbox": True, "email": True} for kind in KINDS}


@pytest.mark.parametrize("serializer", [PreferencesOut, PreferencesPatch])
def test_preferences_serializers_have_every_kind(serializer):
    assert set(serializer().fields) == set(Kind.values)


@pytest.mark.parametrize("serializer", [ChannelsOut, ChannelsPatch])
def test_channels_serializers_have_every_channel(serializer):
    assert set(serializer().fields) == set(Channel.values)


def test_preferences_are_returned_with_defaults(client_of, bob):
    response = client_of(bob).get(URL)

    assert (response.status_code, response.json()) == (200, ALL_ON)


def test_patch_changes_only_the_sent_channels(client_of, bob):
    client = client_of(bob)

    response = client.patch(URL, {"mentioned": {"email": False}}, format="json")

    assert response.status_code == 200
    assert response.json() == {**ALL_ON, "mentioned": {"inbox": True, "email": False}}
    assert client.get(URL).json() == response.json()


def test_empty_patch_changes_nothing(client_of, bob):
    response = client_of(bob).patch(URL, {}, format="json")

    assert (response.status_code, response.json()) == (200, ALL_ON)
    assert not Preference.objects.exists()


INVALID_PATCHES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"gossip": {"email": False}}, "gossip"),
    ({"mentioned": {"pigeon": False}}, "mentioned.pigeon"),
    ({"mentioned": {"email": "false"}}, "mentioned.email"),
    ({"mentioned": {"email": 0}}, "mentioned.email"),
    ({"mentioned": {"email": None}}, "mentioned.email"),
    ({"mentioned": None}, "mentioned"),
    ({"mentioned": []}, "mentioned"),
    ({"assigned": {"email": False}, "mentioned": True}, "mentioned"),
)


def test_invalid_patch_is_rejected_and_changes_nothing(client_of, bob, subtests):
    client = client_of(bob)
    for body, field in INVALID_PATCHES:
        with subtests.test(str(body)):
            response = client.patch(URL, body, format="json")

            assert response.status_code == 400
            assert [error["field"] for error in response.json()["errors"]] == [field]
            assert not Preference.objects.exists()
