"""Pages of the user's own profile."""

from __future__ import annotations

import pytest

from accounts.models import User
from core.testing.page_client import logged_in_client

PROFILE = {
    "name": "Alice",
    "time_zone": "UTC",
    "language": "en",
    "week_start": "monday",
    "theme": "system",
    "density": "comfortable",
}


def test_profile_page_saves_changes(alice):
    data = PROFILE | {"name": "Alice Liddell", "time_zone": "Asia/Tokyo", "theme": "dark"}

    response = logged_in_client(alice).post("/settings/", data)

    saved = User.objects.get()
    assert response.status_code == 302
    assert (saved.name, saved.time_zone, saved.theme) == ("Alice Liddell", "Asia/Tokyo", "dark")


def test_profile_theme_is_rendered_by_the_server(alice):
    User.objects.update(theme="dark")

    assert 'data-theme="dark"' in logged_in_client(alice).get("/settings/").content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"name": " "}, {"time_zone": "Mars/Base"}, {"theme": "pink"}, {"density": '"><script>'}, {"week_start": "friday"}],
)
def test_profile_page_names_invalid_fields(changes, alice, outbox):
    response = logged_in_client(alice).post("/settings/", PROFILE | changes)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == list(changes)
    assert outbox.names() == []


def test_profile_preferences_apply_on_every_device(alice):
    data = PROFILE | {"density": "compact", "language": "en-gb"}  # a box that is not ticked is not sent

    logged_in_client(alice).post("/settings/", data)

    page = logged_in_client(alice).get("/settings/")
    assert 'lang="en-gb" data-theme="system" data-density="compact" data-keys="off"' in page.content.decode()
    assert page["Content-Language"] == "en-gb"


def test_profile_week_start_is_saved(alice):
    logged_in_client(alice).post("/settings/", PROFILE | {"week_start": "sunday"})

    assert User.objects.get().week_start == "sunday"


@pytest.mark.parametrize("url", ["/settings/", "/settings/sessions/", "/settings/notifications/", "/settings/privacy/"])
def test_settings_pages_require_login(url, client, db):
    assert client.get(url)["Location"] == f"/login/?next={url}"


def test_appearance_is_saved_from_every_page(alice):
    page = logged_in_client(alice)

    for name, value, is_valid in (
        ("theme", "dark", True),
        ("density", "compact", True),
        ("theme", "pink", False),
        ("density", "dark", False),
        ("next", "https://evil.example/", False),
    ):
        before = User.objects.values("theme", "density", "version").get(pk=alice.pk)
        response = page.post("/settings/appearance/", {"next": "/inbox/", name: value})
        after = User.objects.values("theme", "density", "version").get(pk=alice.pk)
        assert response["Location"] == ("/settings/" if name == "next" else "/inbox/")
        assert (after != before) == is_valid, (name, value)
    assert (after["theme"], after["density"]) == ("dark", "compact")
    assert 'data-theme="dark" data-density="compact"' in page.get("/inbox/").content.decode()
