"""The API for somebody of whom a second factor is demanded (REQUIRE_MFA) and who has none yet."""

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
def demanded(settings):
    settings.REQUIRE_MFA = "everybody"


def is_held(answer):
    return answer.status_code == 403 and answer.json()["code"] == "mfa_setup_required"


def test_every_other_call_is_refused_with_a_sentence_that_says_where(alice):
    answer = signed_in(alice).get(TASKS)

    assert is_held(answer)
    assert answer["Content-Type"] == "application/problem+json"
    assert "/settings/security/" in answer.json()["detail"]
    assert "/api/v1/me/mfa/totp/" in answer.json()["detail"]


def test_a_sign_in_gives_tokens_that_see_who_one_is_refresh_and_leave(alice):
    tokens = ApiClient().post("/api/v1/auth/login/", ALICE).json()
    fresh = ApiClient().post("/api/v1/auth/refresh/", {"refresh": tokens["refresh"]}).json()
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {fresh['access']}")

    me, tasks = client.get("/api/v1/me/"), client.get(TASKS)
    left = client.post("/api/v1/auth/logout/")

    assert (me.status_code, me.json()["email"], left.status_code) == (200, alice.email, 204)
    assert is_held(tasks)
    assert Session.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "/api/v1/me/", {"name": "Another"}),
        ("post", "/api/v1/projects/", {"name": "Secret", "key": "SEC"}),
        ("post", "/api/v1/api-keys/", {"name": "Key", "scopes": ["tasks:read"]}),
        ("post", "/api/v1/auth/logout-others/", {}),
        ("post", "/api/v1/me/deletion/", {"password": PASSWORD}),
        ("get", "/api/v1/sessions/", None),
        ("options", TASKS, None),
    ],
)
def test_nothing_is_done_for_them_meanwhile(method, path, body, alice):
    client, other = signed_in(alice), signed_in(alice)

    answer = getattr(client, method)(path, body)

    user = User.objects.get()
    assert is_held(answer)
    assert (user.name, user.is_active, Project.objects.filter(key="SEC").exists()) == ("Alice", True, False)
    assert user.api_keys.count() == 0
    assert other.get("/api/v1/me/").status_code == 200


def test_a_factor_opens_everything_with_the_next_request(alice):
    client = signed_in(alice)
    before = client.get(TASKS)

    with_passkey(alice)

    assert is_held(before)
    assert client.get(TASKS).status_code == 200


def test_a_role_raised_or_a_factor_removed_holds_them_up_with_the_next_request(settings, alice, admin):
    settings.REQUIRE_MFA = "admins"
    client = signed_in(alice)
    found = [client.get(TASKS).status_code]

    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "admin"}, now=timezone.now())
    found.append(client.get(TASKS).status_code)
    with_totp(alice)
    found.append(client.get(TASKS).status_code)
    enrollment.reset_mfa(actor=admin, users=[alice], now=timezone.now())
    found.append(client.get(TASKS).status_code)
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "user"}, now=timezone.now())

    assert [*found, client.get(TASKS).status_code] == [200, 403, 200, 403, 200]


def test_the_keys_of_a_person_stop_with_them_and_go_on_with_them(alice):
    key = api_key_client(create_api_key(with_passkey(alice)).text)
    before = key.get(TASKS).status_code

    Authenticator.objects.all().delete()
    held = [key.get(TASKS), key.get("/api/v1/me/"), key.post(TASKS, {"title": "New"})]
    with_passkey(alice)

    assert before == 200
    assert all(is_held(one) for one in held)
    assert key.get(TASKS).status_code == 200


def test_service_accounts_are_not_concerned(admin):
    with_totp(admin)
    account = ServiceAccountFactory(handle="importer", role="staff")

    assert api_key_client(create_api_key(account, actor=admin).text).get(TASKS).status_code == 200


def sign_in():
    access = ApiClient().post("/api/v1/auth/login/", ALICE).json()["access"]
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")


def test_api_client_sets_up_totp_and_goes_on(alice):
    client = sign_in()
    before = client.get(TASKS)

    required = client.get("/api/v1/me/mfa/").json()["required"]
    setup = client.post("/api/v1/me/mfa/totp/").json()
    code = code_at(NOW, secret=setup["secret"])
    added = client.post("/api/v1/me/mfa/totp/confirm/", {"setup_token": setup["setup_token"], "code": code})

    assert is_held(before)
    assert (required, added.status_code, len(added.json()["recovery_codes"])) == (True, 200, 10)
    assert client.get(TASKS).status_code == 200


def test_api_client_changes_nothing_else_before_mfa(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client = sign_in()

    responses = [
        client.post("/api/v1/me/email/", {"email": "new@example.com"}),
        client.delete("/api/v1/me/mfa/passkeys/1/"),
    ]

    assert all(is_held(response) for response in responses)
    assert EmailAddress.objects.count() == 1


def test_api_client_reauthenticates_and_changes_the_password(alice):
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
    assert is_held(client.get(TASKS))
