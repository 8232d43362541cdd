from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD
from core.testing.page_client import logged_in_client, visible_text


def send(email="alice@example.com", password=PASSWORD, **more):
    client = Client()
    return client.post("/login/", {"email": email, "password": password} | more), client


def test_lets_a_person_in_and_on_to_where_they_were_going(alice):
    answer, client = send(next="/tasks/?search=x")

    assert (answer.status_code, answer["Location"]) == (302, "/tasks/?search=x")
    assert client.get("/tasks/").status_code == 200


@pytest.mark.parametrize("odd", ["inbox", "-1", "\N{DEVANAGARI DIGIT ONE}", "\ufffd", "'"])
def test_takes_a_word_without_a_slash_for_an_address_not_for_the_name_of_a_page(odd, alice):
    answer, client = send(next=odd)
    again = client.get("/login/", {"next": odd})

    assert (answer.status_code, again.status_code) == (302, 302)
    assert answer["Location"] == again["Location"] != "/inbox/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_goes_nowhere_else(elsewhere, alice):
    answer, _ = send(next=elsewhere)

    assert answer["Location"] == "/"


@pytest.mark.parametrize(
    ("email", "password"),
    [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("", ""), ("no address", "x")],
)
def test_refuses_without_saying_which_was_wrong(email, password, alice):
    answer, client = send(email, password)

    assert answer.status_code == 422
    assert "_auth_user_id" not in client.session


def test_says_the_same_of_an_unknown_address_and_a_wrong_password(alice):
    known, _ = send("alice@example.com", "wrong")
    unknown, _ = send("nobody@example.com", "wrong")

    assert known.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()


def test_refuses_somebody_who_was_switched_off(alice):
    User.objects.update(is_active=False)

    assert send()[0].status_code == 422


def test_stops_counting_passwords_after_too_many(alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "2/5m"
    for _ in range(2):
        send(password="wrong")

    answer, _ = send()

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_demands_its_own_form(alice):
    answer = Client(enforce_csrf_checks=True).post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    assert answer.status_code == 403
    assert "We couldn't accept the form" in visible_text(answer)


def test_signs_out_by_post_only(alice):
    client = logged_in_client(alice)

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_takes_a_signed_in_person_on(alice):
    client = logged_in_client(alice)

    assert client.get("/login/")["Location"] == "/"
    assert client.get("/register/")["Location"] == "/"
