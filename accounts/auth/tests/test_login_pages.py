"""Login and logout pages."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD
from core.testing.page_client import logged_in_client, visible_text


def log_in(email="alice@example.com", password=PASSWORD, **data):
    client = Client()
    return client.post("/login/", {"email": email, "password": password} | data), client


def test_login_redirects_to_the_requested_page(alice):
    response, client = log_in(next="/tasks/?search=x")

    assert (response.status_code, response["Location"]) == (302, "/tasks/?search=x")
    assert client.get("/tasks/").status_code == 200


@pytest.mark.parametrize("next_url", ["inbox", "-1", "\N{DEVANAGARI DIGIT ONE}", "\ufffd", "'"])
def test_next_without_a_slash_is_no_url_name(next_url, alice):
    response, client = log_in(next=next_url)
    again = client.get("/login/", {"next": next_url})

    assert (response.status_code, again.status_code) == (302, 302)
    assert response["Location"] == again["Location"] != "/inbox/"


def test_next_on_another_site_is_ignored(alice):
    for next_url in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        response, _ = log_in(next=next_url)

        assert response["Location"] == "/", next_url


def test_login_with_wrong_credentials_is_rejected(alice):
    wrong_credentials = [
        ("alice@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("no address", "x"),
    ]

    for email, password in wrong_credentials:
        response, client = log_in(email, password)

        assert response.status_code == 422, email
        assert "_auth_user_id" not in client.session


def test_login_error_is_the_same_for_unknown_addresses(alice):
    known, _ = log_in("alice@example.com", "wrong")
    unknown, _ = log_in("nobody@example.com", "wrong")

    assert known.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()


def test_login_of_a_deactivated_user_is_rejected(alice):
    User.objects.update(is_active=False)

    assert log_in()[0].status_code == 422


def test_login_after_too_many_attempts_is_rate_limited(alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "2/5m"
    for _ in range(2):
        log_in(password="wrong")

    response, _ = log_in()

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


def test_login_requires_a_csrf_token(alice):
    response = Client(enforce_csrf_checks=True).post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    assert response.status_code == 403
    assert "We couldn't accept the form" in visible_text(response)


def test_logout_requires_post(alice):
    client = logged_in_client(alice)

    assert client.get("/logout/")["Location"] == "/"
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_login_page_redirects_a_signed_in_user(alice):
    client = logged_in_client(alice)

    assert client.get("/login/")["Location"] == "/"
    assert client.get("/register/")["Location"] == "/"
