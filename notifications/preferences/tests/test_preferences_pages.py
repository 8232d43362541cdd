from __future__ import annotations

from core.testing.page_client import logged_in_client
from notifications.kinds import Channel, Kind
from notifications.preferences import selectors


def test_shows_every_kind_on_every_channel(alice):
    page = logged_in_client(alice).get("/settings/notifications/").content.decode()

    assert page.count('type="checkbox"') == len(Kind) * len(Channel)
    assert page.count("checked") == len(Kind) * len(Channel)


def test_turns_off_what_is_not_ticked(alice, bob):
    logged_in_client(alice).post("/settings/notifications/", {"assigned-inbox": "on", "commented-email": "on"})

    mine = selectors.get_preferences(alice)
    assert {(kind, channel) for kind, row in mine.items() for channel, on in row.items() if on} == {
        (Kind.ASSIGNED, Channel.INBOX),
        (Kind.COMMENTED, Channel.EMAIL),
    }
    assert all(on for row in selectors.get_preferences(bob).values() for on in row.values())


def test_turns_off_everything_when_nothing_is_ticked(alice):
    logged_in_client(alice).post("/settings/notifications/", {})

    assert not any(on for row in selectors.get_preferences(alice).values() for on in row.values())
