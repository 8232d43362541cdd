"""Whoever is signed in, perhaps at a browser found open, guesses the password no faster than whoever signs in."""

from __future__ import annotations

import pytest

from accounts.auth.tests.test_login_throttling import AWAY, api
from accounts.models import AccountDeletion, User
from accounts.tests.factories import PASSWORD
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
NEW = "a wider river turns"


def page(clients, user):
    browser = logged_in_client(user)
    sent = {"password": NEW}
    return lambda text: browser.post(
        "/settings/security/password/", {"current_password": text} | sent, REMOTE_ADDR=AWAY
    )


def leaving(clients, user):
    browser = logged_in_client(user)
    return lambda text: browser.post("/settings/delete-account/", {"confirmation": text}, REMOTE_ADDR=AWAY)


def deletion(clients, user):
    return lambda text: clients["alice"].post("/api/v1/me/deletion/", {"confirmation": text}, REMOTE_ADDR=AWAY)


def password_api(clients, user):
    body = {"password": NEW}
    return lambda text: clients["alice"].post(
        "/api/v1/me/password/", {"current_password": text} | body, REMOTE_ADDR=AWAY
    )


@pytest.mark.parametrize("door", [page, leaving, deletion, password_api])
def test_it_stands_in_the_log_and_ten_are_enough_at_all_doors_together(door, alice, clients):
    send = door(clients, alice)
    others = [api(clients).status_code for _ in range(5)]

    codes = [send(f"wrong {number}").status_code for number in range(10 - len(others))]
    noted = Event.objects.filter(name="user.login_failed", subject_id=alice.pk).count()
    right = send(PASSWORD)

    assert set(others) <= {401}
    assert 429 not in codes
    assert noted == 10
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    assert not AccountDeletion.objects.exists()


@pytest.mark.parametrize("door", [leaving, deletion])
def test_who_has_no_password_and_mistypes_the_address_has_guessed_at_nothing(door, alice, clients):
    alice.set_unusable_password()
    alice.save()
    send = door(clients, alice)
    send("alicia@example.com")  # which signs the program in
    before = table_digests()

    answers = [send(f"alicia{number}@example.com") for number in range(12)]

    assert {one.status_code for one in answers} == {422 if door is leaving else 400}
    assert "Type your e-mail address." in answers[-1].content.decode()
    assert table_digests() == before
    assert not Event.objects.filter(name="user.login_failed").exists()
    assert send(alice.email).status_code == (302 if door is leaving else 202)
    assert AccountDeletion.objects.get().user == alice


def test_a_program_is_told_apart_what_it_mistyped(alice, clients):
    send = deletion(clients, alice)

    with_password = send("wrong").json()["errors"][0]
    User.objects.update(password="!")
    without = send("wrong").json()["errors"][0]

    assert (with_password["field"], with_password["code"]) == ("confirmation", "wrong")
    assert (without["field"], without["code"]) == ("confirmation", "another_address")


@pytest.mark.parametrize("door", [page, password_api])
def test_a_right_one_changes_it_and_begins_the_count_anew(door, alice, clients):
    send = door(clients, alice)
    for number in range(5):
        send(f"wrong {number}")

    answer = send(PASSWORD)

    assert answer.status_code in {204, 302}
    assert User.objects.get(pk=alice.pk).check_password(NEW)
