"""MFA enforcement (REQUIRE_MFA) in the API, for users without a method."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.auth.mfa import enrollment
from accounts.models import Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, ServiceAccountFactory
from accounts.tests.fixtures import ApiClient, signed_in
from accounts.tests.mfa import code_at, with_passkey, with_totp
from accounts.users import administration
from core.testing.clock import NOW
from tasks.models import Project

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
TASKS = "/api/v1/tasks/"
ALICE = {"email": "alice@example.com", "password": PASSWORD}


@pytest.fixture(autouse=True)
def mfa_required_for_everybody(settings):
    settings.REQUIRE_MFA = "everybody"


def is_restricted(response):
    return response.status_code == 403 and response.json()["code"] == "mfa_setup_required"


def test_restricted_request_says_where_to_set_up_mfa(alice):
    response = signed_in(alice).get(TASKS)

    assert is_restricted(response)
    assert response["Content-Type"] == "application/problem+json"
    assert "/settings/security/" in response.json()["detail"]
    assert "/api/v1/me/mfa/totp/" in response.json()["detail"]


def test_restricted_tokens_allow_me_refresh_and_logout(alice):
    tokens = ApiClient().post("/api/v1/auth/login/", ALICE).json()
    refreshed = ApiClient().post("/api/v1/auth/refresh/", {"refresh": tokens["refresh"]}).json()
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {refreshed['access']}")

    me, tasks = client.get("/api/v1/me/"), client.get(TASKS)
    logout = client.post("/api/v1/auth/logout/")

    assert (me.status_code, me.json()["email"], logout.status_code) == (200, alice.email, 204)
    assert is_restricted(tasks)
    assert Session.objects.get().revoked_at is not None


def test_restricted_requests_change_nothing(alice):
    client, other = signed_in(alice), signed_in(alice)
    requests = [
        ("patch", "/api/v1/me/", {"name": "Another"}),
        ("post", "/api/v1/projects/", {"name": "Secret", "key": "SEC"}),
        ("post", "/api/v1/api-keys/", {"name": "Key", "scopes": ["tasks:read"]}),
        ("post", "/api/v1/auth/logout-others/", {}),
        ("post", "/api/v1/me/deletion/", {"password": PASSWORD}),
        ("get", "/api/v1/sessions/", None),
        ("options", TASKS, None),
    ]

    for method, path, data in requests:
        assert is_restricted(getattr(client, method)(path, data)), (method, path)

    user = User.objects.get()
    assert (user.name, user.is_active, Project.objects.filter(key="SEC").exists()) == ("Alice", True, False)
    assert user.api_keys.count() == 0
    assert other.get("/api/v1/me/").status_code == 200


def test_adding_a_method_lifts_the_restriction_at_once(alice):
    client = signed_in(alice)
    before = client.get(TASKS)

    with_passkey(alice)

    assert is_restricted(before)
    assert client.get(TASKS).status_code == 200


def test_raised_role_or_removed_method_restricts_at_once(settings, alice, admin):
    settings.REQUIRE_MFA = "admins"
    client = signed_in(alice)
    codes = [client.get(TASKS).status_code]

    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "admin"}, now=timezone.now())
    codes.append(client.get(TASKS).status_code)
    with_totp(alice)
    codes.append(client.get(TASKS).status_code)
    enrollment.reset_mfa(actor=admin, users=[alice], now=timezone.now())
    codes.append(client.get(TASKS).status_code)
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "user"}, now=timezone.now())

    assert [*codes, client.get(TASKS).status_code] == [200, 403, 200, 403, 200]


def test_api_keys_follow_the_restriction_of_their_owner(alice):
    key = api_key_client(create_api_key(with_passkey(alice)).text)
    before = key.get(TASKS).status_code

    Authenticator.objects.all().delete()
    responses = [key.get(TASKS), key.get("/api/v1/me/"), key.post(TASKS, {"title": "New"})]
    with_passkey(alice)

    assert before == 200
    assert all(is_restricted(response) for response in responses)
    assert key.get(TASKS).status_code == 200


def test_service_accounts_are_exempt(admin):
    with_totp(admin)
    account = ServiceAccountFactory(handle="importer", role="staff")

    assert api_key_client(create_api_key(account, actor=admin).text).get(TASKS).status_code == 200


def sign_in():
    access = ApiClient().post("/api/v1/auth/login/", ALICE).json()["access"]
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")


def test_totp_setup_by_a_restricted_client_lifts_the_restriction(alice):
    client = sign_in()
    before = client.get(TASKS)

    required = client.get("/api/v1/me/mfa/").json()["required"]
    setup = client.post("/api/v1/me/mfa/totp/").json()
    code = code_at(NOW, secret=setup["secret"])
    added = client.post("/api/v1/me/mfa/totp/confirm/", {"setup_token": setup["setup_token"], "code": code})

    assert is_restricted(before)
    assert (required, added.status_code, len(added.json()["recovery_codes"])) == (True, 200, 10)
    assert client.get(TASKS).status_code == 200


def test_restricted_client_changes_no_email_and_no_passkey(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client = sign_in()

    responses = [
        client.post("/api/v1/me/email/", {"email": "new@example.com"}),
        client.delete("/api/v1/me/mfa/passkeys/1/"),
    ]

    assert all(is_restricted(response) for response in responses)
    assert EmailAddress.objects.count() == 1


def test_restricted_client_reauthenticates_and_changes_password(alice):
    client = sign_in()
    data = {"current_password": PASSWORD, "password": "a wider river turns"}

    confirmed = client.post("/api/v1/auth/reauthenticate/", {"password": PASSWORD})
    changed = client.post("/api/v1/me/password/", data)

    assert (confirmed.status_code, changed.status_code) == (200, 204)
    assert User.objects.get().check_password("a wider river turns")
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_removing_the_last_method_restricts_the_session(alice):
    with_totp(alice)
    challenge = ApiClient().post("/api/v1/auth/login/", ALICE).json()["challenge"]
    tokens = ApiClient().post("/api/v1/auth/mfa/", {"challenge": challenge, "code": code_at(NOW)}).json()
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    before = client.get(TASKS).status_code

    removed = client.delete("/api/v1/me/mfa/totp/")

    assert (before, removed.status_code) == (200, 204)
    assert is_restricted(client.get(TASKS))
