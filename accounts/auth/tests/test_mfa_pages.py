"""The pages of a sign-in with a second factor, and of setting one up."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import Session
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import code_at, recovery_codes, totp_form, with_totp
from core.testing.clock import NOW
from core.testing.page_client import logged_in_client, visible_text

pytestmark = pytest.mark.usefixtures("clock")
STEP, APP, CODES = "/login/mfa/", "/settings/security/app/", "/settings/security/recovery-codes/"


def with_password(email="alice@example.com", **more):
    client = Client()
    return client, client.post("/login/", {"email": email, "password": PASSWORD} | more)


def is_in(client):
    return client.get("/settings/security/").status_code == 200


def test_the_password_leads_to_the_second_step_and_opens_nothing(alice):
    with_totp(alice)

    client, answer = with_password(next="/tasks/")

    assert (answer.status_code, answer["Location"]) == (302, STEP)
    assert client.get(STEP).status_code == 200
    assert not is_in(client)
    assert Session.objects.count() == 0


def test_a_code_lets_in_and_on_to_where_the_person_was_going(alice):
    with_totp(alice)
    client, _ = with_password(next="/tasks/")

    answer = client.post(STEP, {"code": code_at(NOW)})

    assert (answer.status_code, answer["Location"]) == (302, "/tasks/")
    assert is_in(client)
    assert Session.objects.get().user == alice


def test_a_recovery_code_lets_in_once(alice):
    code = recovery_codes(with_totp(alice))[3]

    first, _ = with_password()
    first.post(STEP, {"code": code})
    second, _ = with_password()
    second.post(STEP, {"code": code})

    assert (is_in(first), is_in(second)) == (True, False)


def test_a_wrong_code_lets_nobody_in(alice):
    with_totp(alice)
    client, _ = with_password()

    answer = client.post(STEP, {"code": "000000"})

    assert "Incorrect code" in visible_text(answer)
    assert not is_in(client)
    assert Session.objects.count() == 0


def test_one_code_opens_one_door_of_two(alice, clients):
    with_totp(alice)
    browser, _ = with_password()
    browser.post(STEP, {"code": code_at(NOW)})
    login = {"email": "alice@example.com", "password": PASSWORD}
    challenge = clients["anonymous"].post("/api/v1/auth/login/", login).json()["challenge"]

    answer = clients["anonymous"].post("/api/v1/auth/mfa/", {"challenge": challenge, "code": code_at(NOW)})

    assert is_in(browser)
    assert answer.status_code == 401
    assert Session.objects.count() == 1


def test_codes_are_counted_for_the_account(alice, settings):
    settings.MFA_RATE = "2/5m"
    with_totp(alice)
    client, _ = with_password()
    for _ in range(2):
        client.post(STEP, {"code": "000000"})

    answer = client.post(STEP, {"code": code_at(NOW)})

    assert answer.status_code == 429
    assert not is_in(client)


def test_the_second_step_is_over_after_a_quarter_of_an_hour(alice, clock):
    with_totp(alice)
    client, _ = with_password()
    clock.move_to(NOW + timedelta(minutes=16))

    answer = client.post(STEP, {"code": code_at(NOW + timedelta(minutes=16))})

    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert not is_in(client)


def test_without_the_password_there_is_no_second_step(alice):
    with_totp(alice)

    answer = Client().post(STEP, {"code": code_at(NOW)})

    assert (answer.status_code, answer["Location"]) == (302, "/login/")


def test_the_administration_has_no_door_beside_it(admin):
    with_totp(admin)

    client, _ = with_password("admin@example.com", next="/admin/")

    assert client.get("/admin/").status_code == 302
    client.post(STEP, {"code": code_at(NOW)})
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("url", [APP, "/settings/security/passkeys/add/", "/settings/security/email/"])
def test_a_change_asks_once_more_who_it_is(url, alice):
    answer = logged_in_client(alice).get(url)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/reauthenticate/?next=")


def test_a_wrong_password_confirms_nothing(alice):
    client = logged_in_client(alice)

    client.post("/reauthenticate/", {"password": "wrong", "next": APP})

    assert client.get(APP)["Location"].startswith("/reauthenticate/")


def test_a_form_is_not_kept_while_a_person_confirms(alice):
    client = logged_in_client(alice)

    client.post(APP, {"code": "a secret code"})

    assert "a secret code" not in str(dict(client.session))


def test_an_app_is_added_with_recovery_codes_that_are_shown_once(alice, outbox):
    client = reauthenticated_browser(alice)

    answer = client.post(APP, totp_form(client.get(APP), NOW))
    first, second = client.get(CODES), client.get(CODES)

    assert (answer.status_code, answer["Location"]) == (302, CODES)
    codes = re.findall(r"<li><code>(\d{8})</code>", first.content.decode())
    assert codes == recovery_codes(alice)
    assert not set(codes) & set(re.findall(r"\d{8}", second.content.decode()))
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert "no-store" in client.get(APP).get("Cache-Control", "no-store")


def test_the_secret_waits_sealed_for_its_first_code(alice):
    client = reauthenticated_browser(alice)

    setup = client.get(APP).context["setup"]

    assert setup.secret not in str(dict(client.session))
    assert setup.secret not in setup.token


def test_a_wrong_code_adds_no_app_and_keeps_the_secret(alice):
    client = reauthenticated_browser(alice)
    setup = client.get(APP).context["setup"]

    answer = client.post(APP, {"setup_token": setup.token, "code": "000000"})

    assert setup.secret in answer.content.decode()
    assert Authenticator.objects.count() == 0


def test_the_last_factor_takes_the_recovery_codes_along(alice, outbox):
    client = reauthenticated_browser(with_totp(alice))

    client.post("/settings/security/app/remove/")

    assert Authenticator.objects.count() == 0
    assert outbox.payloads("user.security_changed")[-1]["change"] == "totp_deactivated"


def test_new_recovery_codes_end_the_old_ones(alice):
    old = recovery_codes(with_totp(alice))
    client = reauthenticated_browser(alice)

    client.post("/settings/security/recovery-codes/new/")

    assert not set(old) & set(recovery_codes(alice))


def test_nobody_removes_or_renames_the_passkey_of_another(alice, bob):
    theirs = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Key", "credential": {}})
    client = reauthenticated_browser(alice)

    codes = [
        client.post(f"/settings/security/passkeys/{theirs.pk}/{verb}/", {"name": "x"}).status_code
        for verb in ("remove", "edit")
    ]

    assert codes == [404, 404]
    assert Authenticator.objects.get().data["name"] == "Key"


def test_an_administrator_lets_somebody_in_again_who_has_lost_everything(admin, alice, outbox):
    with_totp(alice)
    mine = Authenticator.objects.filter(user=alice, type="totp").get()

    reauthenticated_browser(admin).post("/admin/mfa/authenticator/", {"action": "reset", "_selected_action": [mine.pk]})

    assert Authenticator.objects.count() == 0
    assert outbox.only("user.security_changed")["change"] == "mfa_reset"
    _, answer = with_password()
    assert answer["Location"] == "/"


def test_no_secret_is_shown_in_the_administration(admin, alice):
    with_totp(alice)
    mine = Authenticator.objects.filter(user=alice, type="totp").get()
    client = logged_in_client(admin)

    shown = [client.get(f"/admin/mfa/authenticator/{mine.pk}/change/"), client.get("/admin/mfa/authenticator/")]

    assert all(answer.status_code == 200 for answer in shown)
    assert all(mine.data["secret"] not in answer.content.decode() for answer in shown)
