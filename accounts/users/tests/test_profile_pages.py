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


def test_changes_ones_own_profile(alice):
    sent = PROFILE | {"name": "Alice Liddell", "time_zone": "Asia/Tokyo", "theme": "dark"}

    answer = logged_in_client(alice).post("/settings/", sent)

    saved = User.objects.get()
    assert answer.status_code == 302
    assert (saved.name, saved.time_zone, saved.theme) == ("Alice Liddell", "Asia/Tokyo", "dark")


def test_renders_the_chosen_theme_from_the_server(alice):
    User.objects.update(theme="dark")

    assert 'data-theme="dark"' in logged_in_client(alice).get("/settings/").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"time_zone": "Mars/Base"}, {"theme": "pink"}, {"density": '"><script>'}, {"week_start": "friday"}],
)
def test_names_what_is_wrong(wrong, alice, outbox):
    answer = logged_in_client(alice).post("/settings/", PROFILE | wrong)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(wrong)
    assert outbox.names() == []


def test_the_look_is_the_accounts_and_so_the_same_on_each_device(alice):
    sent = PROFILE | {"density": "compact", "language": "en-gb"}  # a box that is not ticked is not sent

    logged_in_client(alice).post("/settings/", sent)

    page = logged_in_client(alice).get("/settings/")
    assert 'lang="en-gb" data-theme="system" data-density="compact" data-keys="off"' in page.content.decode()
    assert page["Content-Language"] == "en-gb"


def test_the_first_day_of_the_week_is_kept(alice):
    logged_in_client(alice).post("/settings/", PROFILE | {"week_start": "sunday"})

    assert User.objects.get().week_start == "sunday"


@pytest.mark.parametrize("url", ["/settings/", "/settings/sessions/", "/settings/notifications/", "/settings/privacy/"])
def test_is_for_people_who_are_signed_in(url, client, db):
    assert client.get(url)["Location"] == f"/login/?next={url}"
