"""Throttling of the current password that signed-in users enter.

An unattended browser must not allow faster guesses than the login form.
"""

from __future__ import annotations

import pytest

from accounts.auth.tests.test_login_throttling import AWAY, api_login
from accounts.models import AccountDeletion, User
from accounts.tests.factories import PASSWORD
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
NEW = "a wider river turns"


def change_on_page(clients, user):
    browser = logged_in_client(user)
    return lambda text: browser.post(
        "/settings/security/password/", {"current_password": text, "password": NEW}, REMOTE_ADDR=AWAY
    )


def delete_on_page(clients, user):
    browser = logged_in_client(user)
    return lambda text: browser.post("/settings/delete-account/", {"confirmation": text}, REMOTE_ADDR=AWAY)


def delete_by_api(clients, user):
    return lambda text: clients["alice"].post("/api/v1/me/deletion/", {"confirmation": text}, REMOTE_ADDR=AWAY)


def change_by_api(clients, user):
    return lambda text: clients["alice"].post(
        "/api/v1/me/password/", {"current_password": text, "password": NEW}, REMOTE_ADDR=AWAY
    )


@pytest.mark.parametrize("endpoint", [change_on_page, delete_on_page, delete_by_api, change_by_api])
def test_wrong_current_passwords_are_logged_and_limited_together(endpoint, alice, clients):
    send = endpoint(clients, alice)
    login_codes = [api_login(clients).status_code for _ in range(5)]

    codes = [send(f"wrong {number}").status_code for number in range(10 - len(login_codes))]
    failures = Event.objects.filter(name="user.login_failed", subject_id=alice.pk).count()
    response = send(PASSWORD)

    assert set(login_codes) <= {401}
    assert 429 not in codes
    assert failures == 10
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    assert not AccountDeletion.objects.exists()


@pytest.mark.parametrize("endpoint", [delete_on_page, delete_by_api])
def test_mistyped_address_without_password_counts_no_failure(endpoint, alice, clients):
    alice.set_unusable_password()
    alice.save()
    send = endpoint(clients, alice)
    send("alicia@example.com")  # signs the API client in, which writes to the database
    before = table_digests()

    responses = [send(f"alicia{number}@example.com") for number in range(12)]

    assert {response.status_code for response in responses} == {422 if endpoint is delete_on_page else 400}
    assert "Type your email address." in responses[-1].content.decode()
    assert table_digests() == before
    assert not Event.objects.filter(name="user.login_failed").exists()
    assert send(alice.email).status_code == (302 if endpoint is delete_on_page else 202)
    assert AccountDeletion.objects.get().user == alice


def test_deletion_error_code_names_password_or_address(alice, clients):
    send = delete_by_api(clients, alice)

    with_password = send("wrong").json()["errors"][0]
    User.objects.update(password="!")
    without_password = send("wrong").json()["errors"][0]

    assert (with_password["field"], with_password["code"]) == ("confirmation", "wrong")
    assert (without_password["field"], without_password["code"]) == ("confirmation", "another_address")


@pytest.mark.parametrize("endpoint", [change_on_page, change_by_api])
def test_right_current_password_after_failures_changes_it(endpoint, alice, clients):
    send = endpoint(clients, alice)
    for number in range(5):
        send(f"wrong {number}")

    response = send(PASSWORD)

    assert response.status_code in {204, 302}
    assert User.objects.get(pk=alice.pk).check_password(NEW)
