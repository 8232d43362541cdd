from __future__ import annotations

import pytest

from notifications.kinds import Channel, Kind
from notifications.models import Preference
from notifications.preferences.api import ChannelsOut, ChannelsPatch, PreferencesOut, PreferencesPatch

pytestmark = pytest.mark.django_db
URL = "/api/v1/notifications/preferences/"
KINDS = ("assigned", "mentioned", "commented", "due_soon", "shared", "added_to_project", "added_to_team")
ALL_ON = {kind: {"inbox": True, "email": True} for kind in KINDS}


@pytest.mark.parametrize("shape", [PreferencesOut, PreferencesPatch])
def test_every_kind_is_in_the_shapes(shape):
    assert set(shape().fields) == set(Kind.values)


@pytest.mark.parametrize("shape", [ChannelsOut, ChannelsPatch])
def test_every_channel_is_in_the_shapes(shape):
    assert set(shape().fields) == set(Channel.values)


def test_says_what_holds(client_of, bob):
    answer = client_of(bob).get(URL)

    assert (answer.status_code, answer.json()) == (200, ALL_ON)


def test_changes_only_what_is_sent(client_of, bob):
    client = client_of(bob)

    answer = client.patch(URL, {"mentioned": {"email": False}}, format="json")

    assert answer.status_code == 200
    assert answer.json() == {**ALL_ON, "mentioned": {"inbox": True, "email": False}}
    assert client.get(URL).json() == answer.json()


def test_an_empty_patch_changes_nothing(client_of, bob):
    answer = client_of(bob).patch(URL, {}, format="json")

    assert (answer.status_code, answer.json()) == (200, ALL_ON)
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"gossip": {"email": False}}, "gossip"),
        ({"mentioned": {"pigeon": False}}, "mentioned.pigeon"),
        ({"mentioned": {"email": "false"}}, "mentioned.email"),
        ({"mentioned": {"email": 0}}, "mentioned.email"),
        ({"mentioned": {"email": None}}, "mentioned.email"),
        ({"mentioned": None}, "mentioned"),
        ({"mentioned": []}, "mentioned"),
        ({"assigned": {"email": False}, "mentioned": True}, "mentioned"),
    ],
)
def test_refuses_what_it_does_not_understand(body, field, client_of, bob):
    answer = client_of(bob).patch(URL, body, format="json")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Preference.objects.exists()
