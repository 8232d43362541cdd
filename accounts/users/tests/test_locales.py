"""Time zone and language of accounts: from the browser at first, and any that the database knows."""

from __future__ import annotations

from datetime import time

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import InvitationFactory
from accounts.users.tests.test_profile_pages import PROFILE
from core.testing.page_client import logged_in_client

PASSWORD = "a quiet river bends slowly"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("zone", "languages", "stored"),
    [
        ("America/New_York", "en-GB,en;q=0.8", ("America/New_York", "en-gb")),
        ("Japan", "de-AT,en-US;q=0.5", ("Japan", "de")),
        ("Japan", "fr,en-US;q=0.5", ("Japan", "en")),
        ("", "", ("UTC", "en")),
        ("Mars/Base", "xx", ("UTC", "en")),
        ("localtime", "*", ("UTC", "en")),
    ],
)
def test_registration_page_takes_locale_of_browser(zone, languages, stored):
    data = {"name": "Nora", "email": "nora@example.com", "password": PASSWORD, "time_zone": zone}

    response = Client(headers={"accept-language": languages}).post("/register/", data)

    assert response.status_code == 302
    assert User.objects.values_list("time_zone", "language").get(email="nora@example.com") == stored


def test_registration_api_accepts_locale(client):
    data = {"name": "Nora", "email": "nora@example.com", "password": PASSWORD}
    locale = {"time_zone": "Asia/Tokyo", "language": "en-gb"}

    made = client.post("/api/v1/auth/register/", data | locale, content_type="application/json")
    refused = [
        client.post(
            "/api/v1/auth/register/", data | {"email": "b@example.com"} | wrong, content_type="application/json"
        )
        for wrong in ({"time_zone": "Mars/Base"}, {"language": "tlh"})
    ]

    assert (made.status_code, {name: made.json()["user"][name] for name in locale}) == (201, locale)
    assert [(response.status_code, response.json()["errors"][0]["field"]) for response in refused] == [
        (400, "time_zone"),
        (400, "language"),
    ]
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["Japan", "EST5EDT", "GB", "CET", "Etc/GMT+5"])
def test_time_zone_of_api_survives_settings_page(name, alice, clients):
    """Case f10 of the bug reports."""
    assert clients["alice"].patch("/api/v1/me/", {"time_zone": name}).status_code == 200
    client = logged_in_client(User.objects.get(pk=alice.pk))

    form = client.get("/settings/").context["form"]
    client.post("/settings/", PROFILE | {"time_zone": form["time_zone"].value(), "theme": "dark"})

    assert (name, name) in form.fields["time_zone"].choices
    assert User.objects.values_list("time_zone", "theme").get(pk=alice.pk) == (name, "dark")


def test_reminder_time_is_set_by_api_and_page(alice, clients):
    before = clients["alice"].get("/api/v1/me/").json()["reminder_time"]
    patched = clients["alice"].patch("/api/v1/me/", {"reminder_time": "07:30"}).json()["reminder_time"]
    page = logged_in_client(alice).get("/settings/notifications/")
    logged_in_client(alice).post("/settings/notifications/", {"reminder_time": "06:15"})

    assert (before, patched) == ("09:00", "07:30")
    assert 'value="07:30"' in page.content.decode()
    assert User.objects.get(pk=alice.pk).reminder_time == time(6, 15)


@pytest.mark.parametrize("wrong", ["9", "25:00", "", None, 900])
def test_wrong_reminder_time_is_rejected(wrong, alice, clients):
    response = clients["alice"].patch("/api/v1/me/", {"reminder_time": wrong})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "reminder_time")
    assert User.objects.get(pk=alice.pk).reminder_time == time(9)


def test_invited_user_has_locale_of_browser_or_api(client):
    InvitationFactory(secret="page")
    InvitationFactory(secret="api")
    data = {"name": "Nora", "password": PASSWORD, "time_zone": "Asia/Tokyo"}

    Client(headers={"accept-language": "en-GB"}).post("/invitation/", data | {"token": "page"})
    client.post(
        "/api/v1/auth/register-with-invitation/",
        data | {"token": "api", "language": "en-gb"},
        content_type="application/json",
    )

    locales = User.objects.filter(name="Nora").values_list("time_zone", "language")
    assert list(locales) == [("Asia/Tokyo", "en-gb")] * 2
