"""Setting up and removing MFA through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import Session
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient, signed_in
from accounts.tests.mfa import SECRET, code_at, recovery_codes, with_passkey, with_totp
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
MFA, TOTP, CONFIRM, CODES = (
    "/api/v1/me/mfa/",
    "/api/v1/me/mfa/totp/",
    "/api/v1/me/mfa/totp/confirm/",
    "/api/v1/me/mfa/recovery-codes/",
)


def begin(client):
    return client.post(TOTP).json()


def confirm(client, setup, code=None):
    return client.post(
        CONFIRM, {"setup_token": setup["setup_token"], "code": code or code_at(NOW, secret=setup["secret"])}
    )


def test_mfa_lists_methods_passkeys_and_codes(alice):
    empty = signed_in(alice).get(MFA).json()
    with_passkey(with_totp(alice))

    full = signed_in(alice).get(MFA).json()

    assert (empty["enabled"], empty["methods"], empty["passkeys"], empty["unused_recovery_codes"]) == (
        False,
        [],
        [],
        None,
    )
    assert (full["enabled"], full["methods"]) == (True, ["code", "recovery_code", "passkey"])
    assert [passkey["name"] for passkey in full["passkeys"]] == ["Key"]
    assert full["unused_recovery_codes"] == 10


def test_totp_is_added_by_its_first_code(alice, outbox):
    client = signed_in(alice)
    setup = begin(client)
    before = Authenticator.objects.count()

    response = confirm(client, setup)

    assert setup["uri"].startswith("otpauth://totp/TaskFlow%3Aalice%40example.com?secret=")
    assert (before, response.status_code) == (0, 200)
    assert response.json()["recovery_codes"] == recovery_codes(alice)
    assert setup["secret"] not in str(list(Authenticator.objects.values("data")))
    assert outbox.only("user.security_changed")["change"] == "totp_activated"


def test_code_that_activated_the_app_is_not_accepted_again(alice):
    client = signed_in(alice)
    setup = begin(client)
    confirm(client, setup)
    login = ApiClient().post("/api/v1/auth/login/", {"email": alice.email, "password": PASSWORD}).json()
    code = code_at(NOW, secret=setup["secret"])

    response = ApiClient().post("/api/v1/auth/mfa/", {"challenge": login["challenge"], "code": code})

    assert (response.status_code, response.json()["code"]) == (401, "wrong_code")


def test_wrong_code_adds_no_totp(alice):
    client = signed_in(alice)

    response = confirm(client, begin(client), "000000")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "code")
    assert not Authenticator.objects.exists()


def test_setup_token_works_once_even_after_removal(alice):
    client = signed_in(alice)
    setup = begin(client)
    confirm(client, setup)
    client.delete(TOTP)

    response = confirm(client, setup)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "setup_token")
    assert not Authenticator.objects.exists()
    assert confirm(client, begin(client)).status_code == 200


def test_setup_token_of_another_user_is_rejected(alice, bob):
    setup = begin(signed_in(bob))

    response = confirm(signed_in(alice), setup)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "setup_token")
    assert not Authenticator.objects.exists()


def test_second_totp_is_a_conflict(alice):
    client = signed_in(alice)
    setup = begin(client)
    with_totp(alice)

    response = confirm(client, setup)

    assert (response.status_code, response.json()["code"]) == (409, "totp_exists")
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_first_method_revokes_other_sessions(alice):
    client, other = signed_in(alice), signed_in(alice)

    confirm(client, begin(client))

    assert (client.get(MFA).status_code, other.get(MFA).status_code) == (200, 401)


def test_new_recovery_codes_replace_the_old_ones(alice):
    old = recovery_codes(with_totp(alice))

    response = signed_in(alice).post(CODES)

    codes = response.json()["recovery_codes"]
    assert (response.status_code, len(codes), set(codes) & set(old)) == (200, 10, set())
    assert response["Cache-Control"] == "no-store"


def test_recovery_codes_need_a_method(alice):
    response = signed_in(alice).post(CODES)

    assert (response.status_code, response.json()["code"]) == (409, "mfa_required")


def test_last_method_takes_the_recovery_codes_along(alice):
    client = signed_in(with_passkey(with_totp(alice)))
    passkey = Authenticator.objects.get(type="webauthn")

    first = client.delete(TOTP)
    remaining = set(Authenticator.objects.values_list("type", flat=True))
    second = client.delete(f"{MFA}passkeys/{passkey.pk}/")

    assert (first.status_code, remaining, second.status_code) == (204, {"webauthn", "recovery_codes"}, 204)
    assert not Authenticator.objects.exists()


def test_passkey_of_another_user_is_not_found(alice, bob):
    passkey = Authenticator.objects.get(user=with_passkey(bob))

    assert signed_in(alice).delete(f"{MFA}passkeys/{passkey.pk}/").status_code == 404
    assert Authenticator.objects.count() == 1


def test_mfa_change_requires_a_recent_login(alice):
    client = signed_in(with_totp(alice))
    Session.objects.update(created_at=NOW - timedelta(hours=1))
    requests = [
        ("post", TOTP, None),
        ("delete", TOTP, None),
        ("post", CODES, None),
        ("post", CONFIRM, {"setup_token": SECRET, "code": "000000"}),
    ]

    for method, path, data in requests:
        response = getattr(client, method)(path, data)

        assert (response.status_code, response.json()["code"]) == (403, "reauthentication_required"), (method, path)
    assert Authenticator.objects.count() == 2
