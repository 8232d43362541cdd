from __future__ import annotations

import pytest

from accounts.models import Session, User
from accounts.tests.factories import SessionFactory
from core.testing.pages import browser_of

PROFILE = {"name": "Alice", "time_zone": "UTC", "theme": "system"}


def test_changes_ones_own_profile(alice):
    sent = PROFILE | {"name": "Alice Liddell", "time_zone": "Asia/Tokyo", "theme": "dark"}

    answer = browser_of(alice).post("/settings/", sent)

    saved = User.objects.get()
    assert answer.status_code == 302
    assert (saved.name, saved.time_zone, saved.theme) == ("Alice Liddell", "Asia/Tokyo", "dark")


def test_renders_the_chosen_theme_from_the_server(alice):
    User.objects.update(theme="dark")

    assert 'data-theme="dark"' in browser_of(alice).get("/settings/").content.decode()


@pytest.mark.parametrize("wrong", [{"name": " "}, {"time_zone": "Mars/Base"}, {"theme": "pink"}])
def test_names_what_is_wrong(wrong, alice, outbox):
    answer = browser_of(alice).post("/settings/", PROFILE | wrong)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(wrong)
    assert outbox.names() == []


def test_keeps_what_is_about_the_device_in_cookies(alice):
    client = browser_of(alice)

    client.post("/settings/device/", {"density": "compact", "keys": "off"})

    assert 'data-density="compact" data-keys="off"' in client.get("/settings/").content.decode()


def test_ignores_a_device_setting_it_does_not_know(alice):
    answer = browser_of(alice).post("/settings/device/", {"density": '"><script>', "keys": "on"})

    assert answer.status_code == 302
    assert "density" not in answer.cookies


def test_shows_ones_own_sessions_and_ends_one(alice, bob):
    mine, _foreign = SessionFactory(user=alice, user_agent="curl/8"), SessionFactory(user=bob)
    client = browser_of(alice)

    shown = client.get("/settings/sessions/").context["sessions"]
    client.post(f"/settings/sessions/{mine.pk}/revoke/")

    assert shown == [mine]
    assert list(Session.objects.filter(revoked_at=None).values_list("user__handle", flat=True)) == ["bob"]


def test_cannot_end_somebody_elses_session(alice, bob):
    foreign = SessionFactory(user=bob)

    answer = browser_of(alice).post(f"/settings/sessions/{foreign.pk}/revoke/")

    assert answer.status_code == 404
    assert Session.objects.get().revoked_at is None


def test_ends_all_of_ones_own_sessions(alice, bob):
    SessionFactory.create_batch(2, user=alice)
    SessionFactory(user=bob)

    browser_of(alice).post("/settings/sessions/revoke/")

    assert Session.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("url", ["/settings/", "/settings/sessions/", "/settings/notifications/"])
def test_is_for_people_who_are_signed_in(url, client, db):
    assert client.get(url)["Location"] == f"/login/?next={url}"
