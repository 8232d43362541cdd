"""What happened to one's own account: on the page, in the API, and to administrators about everybody."""

from __future__ import annotations

import dataclasses

import pytest
from django.test import Client
from django.utils import timezone

from accounts import events
from accounts.auth.security_log.entries import TITLES
from accounts.tests.factories import PASSWORD
from accounts.users import administration
from core.testing.page_client import logged_in_client
from events.models import Event

LOG, PAGE = "/api/v1/security-log/", "/settings/security/log/"
pytestmark = pytest.mark.django_db


def fail(client, email):
    return client.post("/login/", {"email": email, "password": "wrong"}, REMOTE_ADDR="203.0.113.9")


def names(response):
    return [one["name"] for one in response.json()["results"]]


def test_every_fact_about_a_person_has_a_title():
    kinds = [one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.UserEvent)]
    facts = {kind.name for kind in kinds if dataclasses.is_dataclass(kind) and hasattr(kind, "name")}

    assert facts == set(TITLES)


def test_shows_sign_ins_and_failures_newest_first_with_where_and_with_what(clients, alice):
    fail(Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140"), "alice@example.com")
    Client().post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    response = clients["alice"].get(LOG)

    opened, failed = response.json()["results"]
    assert (opened["name"], opened["actor"]["name"]) == ("session.opened", "Alice")
    assert (failed["name"], failed["title"], failed["is_suspicious"]) == ("user.login_failed", "Sign-in failed", True)
    assert (failed["address"], failed["device"], failed["actor"]) == ("203.0.113.9", "Firefox on Linux", None)
    assert failed["user"] == {"id": str(alice.pk), "name": "Alice"}


def test_a_changed_role_is_in_the_log_with_who_changed_it(clients, alice, admin):
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "staff"}, now=timezone.now())

    found = next(one for one in clients["alice"].get(LOG).json()["results"] if one["name"] == "user.updated")

    assert (found["detail"], found["actor"]["name"], found["is_suspicious"]) == ("role: user → staff", "Admin", True)


def test_one_sees_nothing_about_others(clients, alice, bob):
    fail(Client(), "bob@example.com")
    fail(Client(), "alice@example.com")

    assert {one["user"]["id"] for one in clients["alice"].get(LOG).json()["results"]} == {str(alice.pk)}


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_the_log_of_others_is_refused_to_who_is_no_administrator(who, clients, bob):
    before = Event.objects.count()
    client = clients[who]
    known = Event.objects.count() - before

    responses = [client.get(f"{LOG}?user={bob.pk}"), client.get(f"{LOG}?everybody=true")]

    assert [response.status_code for response in responses] == [403, 403]
    assert "203.0.113.9" not in str([response.content for response in responses])
    assert Event.objects.count() == before + known


def test_administrators_see_everybody_and_what_nobody_has(clients, alice):
    client = clients["admin"]
    for email in ("alice@example.com", "alice@example.com", "nobody@example.com"):
        fail(Client(), email)

    everybody = client.get(f"{LOG}?everybody=true&limit=2")
    one = client.get(f"{LOG}?user={alice.pk}")

    assert [found["user"] for found in everybody.json()["results"]] == [
        {"id": "00000000-0000-0000-0000-000000000000", "name": ""},
        {"id": str(alice.pk), "name": "Alice"},
    ]
    assert everybody.json()["next"]
    assert names(one) == ["user.login_failed"] * 2


def test_pages_go_on_by_cursor(clients, alice):
    client = clients["alice"]
    for _ in range(3):
        fail(Client(), "alice@example.com")

    first = client.get(f"{LOG}?limit=2")
    second = client.get(first.json()["next"])

    assert names(first) + names(second) == ["user.login_failed"] * 3


def test_list_page_query_count_is_constant(clients, alice, queries):
    client = clients["alice"]
    client.get(LOG)
    with queries() as small:
        client.get(LOG)
    for _ in range(9):
        fail(Client(), "alice@example.com")

    with queries(equal_to=small):
        client.get(LOG)


def test_the_page_shows_ones_own_and_to_administrators_all(alice, admin):
    browser = logged_in_client(alice)
    fail(Client(), "alice@example.com")

    own, refused = browser.get(PAGE), browser.get(f"{PAGE}?show=all")
    all_of_them = logged_in_client(admin).get(f"{PAGE}?show=all")

    assert "Sign-in failed" in own.content.decode()
    assert "203.0.113.9" in own.content.decode()
    assert "All accounts" not in own.content.decode()
    assert refused.status_code == 403
    assert "Alice: Sign-in failed" in " ".join(all_of_them.content.decode().split())


def test_the_page_is_for_people_who_are_signed_in(client):
    assert client.get(PAGE)["Location"] == f"/login/?next={PAGE}"


def test_a_password_is_never_in_the_log(clients, alice):
    clients["anonymous"].post("/api/v1/auth/login/", {"email": "alice@example.com", "password": PASSWORD + "x"})

    assert PASSWORD not in str(list(Event.objects.values_list("payload", flat=True)))
