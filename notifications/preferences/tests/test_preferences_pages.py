from __future__ import annotations

from core.testing.page_client import logged_in_client
from notifications.kinds import Channel, Kind
from notifications.preferences import selectors


def test_preferences_page_has_a_box_per_kind_and_channel(alice):
    page = logged_in_client(alice).get("/settings/notifications/").content.decode()

    assert page.count('type="checkbox"') == len(Kind) * len(Channel)
    assert page.count("checked") == len(Kind) * len(Channel)


def test_unticked_boxes_turn_channels_off(alice, bob):
    logged_in_client(alice).post("/settings/notifications/", {"assigned-inbox": "on", "commented-email": "on"})

    own = selectors.get_preferences(alice)
    assert {(kind, channel) for kind, channels in own.items() for channel, enabled in channels.items() if enabled} == {
        (Kind.ASSIGNED, Channel.INBOX),
        (Kind.COMMENTED, Channel.EMAIL),
    }
    assert all(all(channels.values()) for channels in selectors.get_preferences(bob).values())


def test_form_without_ticks_turns_everything_off(alice):
    logged_in_client(alice).post("/settings/notifications/", {})

    assert not any(any(channels.values()) for channels in selectors.get_preferences(alice).values())
