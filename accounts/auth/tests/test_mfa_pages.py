"""Pages of the MFA step of a login, and of MFA setup."""

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


def with_password(email="alice@example.com", **data):
    client = Client()
    return client, client.post("/login/", {"email": email, "password": PASSWORD} | data)


def is_in(client):
    return client.get("/settings/security/").status_code == 200


def test_password_alone_leads_to_the_mfa_step(alice):
    with_totp(alice)

    client, response = with_password(next="/tasks/")

    assert (response.status_code, response["Location"]) == (302, STEP)
    assert client.get(STEP).status_code == 200
    assert not is_in(client)
    assert Session.objects.count() == 0


def test_totp_code_signs_in_and_redirects_to_next(alice):
    with_totp(alice)
    client, _ = with_password(next="/tasks/")

    response = client.post(STEP, {"code": code_at(NOW)})

    assert (response.status_code, response["Location"]) == (302, "/tasks/")
    assert is_in(client)
    assert Session.objects.get().user == alice


def test_recovery_code_signs_in_once(alice):
    code = recovery_codes(with_totp(alice))[3]

    first, _ = with_password()
    first.post(STEP, {"code": code})
    second, _ = with_password()
    second.post(STEP, {"code": code})

    assert (is_in(first), is_in(second)) == (True, False)


def test_wrong_code_does_not_sign_in(alice):
    with_totp(alice)
    client, _ = with_password()

    response = client.post(STEP, {"code": "000000"})

    assert "Incorrect code" in visible_text(response)
    assert not is_in(client)
    assert Session.objects.count() == 0


def test_code_used_on_the_page_is_rejected_by_the_api(alice, clients):
    with_totp(alice)
    browser, _ = with_password()
    browser.post(STEP, {"code": code_at(NOW)})
    login = {"email": "alice@example.com", "password": PASSWORD}
    challenge = clients["anonymous"].post("/api/v1/auth/login/", login).json()["challenge"]

    response = clients["anonymous"].post("/api/v1/auth/mfa/", {"challenge": challenge, "code": code_at(NOW)})

    assert is_in(browser)
    assert response.status_code == 401
    assert Session.objects.count() == 1


def test_mfa_rate_limits_codes_per_account(alice, settings):
    settings.MFA_RATE = "2/5m"
    with_totp(alice)
    client, _ = with_password()
    for _ in range(2):
        client.post(STEP, {"code": "000000"})

    response = client.post(STEP, {"code": code_at(NOW)})

    assert response.status_code == 429
    assert not is_in(client)


def test_mfa_step_expires_after_15_minutes(alice, clock):
    with_totp(alice)
    client, _ = with_password()
    clock.move_to(NOW + timedelta(minutes=16))

    response = client.post(STEP, {"code": code_at(NOW + timedelta(minutes=16))})

    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert not is_in(client)


def test_mfa_step_without_a_password_redirects_to_the_login(alice):
    with_totp(alice)

    response = Client().post(STEP, {"code": code_at(NOW)})

    assert (response.status_code, response["Location"]) == (302, "/login/")


def test_admin_site_requires_the_mfa_step(admin):
    with_totp(admin)

    client, _ = with_password("admin@example.com", next="/admin/")

    assert client.get("/admin/").status_code == 302
    client.post(STEP, {"code": code_at(NOW)})
    assert client.get("/admin/").status_code == 200


def test_login_method_change_requires_reauthentication(alice):
    client = logged_in_client(alice)

    for url in (APP, "/settings/security/passkeys/add/", "/settings/security/email/"):
        response = client.get(url)

        assert response.status_code == 302, url
        assert response["Location"].startswith("/reauthenticate/?next=")


def test_wrong_password_does_not_reauthenticate(alice):
    client = logged_in_client(alice)

    client.post("/reauthenticate/", {"password": "wrong", "next": APP})

    assert client.get(APP)["Location"].startswith("/reauthenticate/")


def test_form_data_is_not_stored_during_reauthentication(alice):
    client = logged_in_client(alice)

    client.post(APP, {"code": "a secret code"})

    assert "a secret code" not in str(dict(client.session))


def test_totp_setup_shows_recovery_codes_once(alice, outbox):
    client = reauthenticated_browser(alice)

    response = client.post(APP, totp_form(client.get(APP), NOW))
    first, second = client.get(CODES), client.get(CODES)

    assert (response.status_code, response["Location"]) == (302, CODES)
    codes = re.findall(r"<li><code>(\d{8})</code>", first.content.decode())
    assert codes == recovery_codes(alice)
    assert not set(codes) & set(re.findall(r"\d{8}", second.content.decode()))
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert "no-store" in client.get(APP).get("Cache-Control", "no-store")


def test_totp_secret_is_encrypted_until_its_first_code(alice):
    client = reauthenticated_browser(alice)

    setup = client.get(APP).context["setup"]

    assert setup.secret not in str(dict(client.session))
    assert setup.secret not in setup.token


def test_wrong_code_adds_no_totp_and_keeps_the_secret(alice):
    client = reauthenticated_browser(alice)
    setup = client.get(APP).context["setup"]

    response = client.post(APP, {"setup_token": setup.token, "code": "000000"})

    assert setup.secret in response.content.decode()
    assert Authenticator.objects.count() == 0


def test_removing_the_last_method_removes_recovery_codes(alice, outbox):
    client = reauthenticated_browser(with_totp(alice))

    client.post("/settings/security/app/remove/")

    assert Authenticator.objects.count() == 0
    assert outbox.payloads("user.security_changed")[-1]["change"] == "totp_deactivated"


def test_new_recovery_codes_replace_the_old_ones(alice):
    old = recovery_codes(with_totp(alice))
    client = reauthenticated_browser(alice)

    client.post("/settings/security/recovery-codes/new/")

    assert not set(old) & set(recovery_codes(alice))


def test_passkey_of_another_user_is_not_found(alice, bob):
    passkey = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Key", "credential": {}})
    client = reauthenticated_browser(alice)

    codes = [
        client.post(f"/settings/security/passkeys/{passkey.pk}/{verb}/", {"name": "x"}).status_code
        for verb in ("remove", "edit")
    ]

    assert codes == [404, 404]
    assert Authenticator.objects.get().data["name"] == "Key"


def test_mfa_reset_by_an_admin_restores_password_login(admin, alice, outbox):
    with_totp(alice)
    authenticator = Authenticator.objects.filter(user=alice, type="totp").get()

    reauthenticated_browser(admin).post(
        "/admin/mfa/authenticator/", {"action": "reset", "_selected_action": [authenticator.pk]}
    )

    assert Authenticator.objects.count() == 0
    assert outbox.only("user.security_changed")["change"] == "mfa_reset"
    _, response = with_password()
    assert response["Location"] == "/"


def test_totp_secret_is_not_visible_in_the_admin_site(admin, alice):
    with_totp(alice)
    authenticator = Authenticator.objects.filter(user=alice, type="totp").get()
    client = logged_in_client(admin)

    responses = [
        client.get(f"/admin/mfa/authenticator/{authenticator.pk}/change/"),
        client.get("/admin/mfa/authenticator/"),
    ]

    assert all(response.status_code == 200 for response in responses)
    assert all(authenticator.data["secret"] not in response.content.decode() for response in responses)
