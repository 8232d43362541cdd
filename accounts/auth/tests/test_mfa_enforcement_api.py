"""The API for somebody of whom a second factor is demanded (REQUIRE_MFA) and who has none yet."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.auth import security_notifications
from accounts.auth.tests.test_headless_api import ALICE, Program
from accounts.models import Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, ServiceAccountFactory
from accounts.tests.fixtures import ApiClient, signed_in
from accounts.tests.mfa import code_at, recovery_codes, with_passkey, with_totp
from accounts.users import administration
from core.testing.clock import NOW
from tasks.models import Project

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.django_db]
TASKS = "/api/v1/tasks/"


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
    assert "/_allauth/app/v1/account/authenticators/" in answer.json()["detail"]


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
    security_notifications.reset_mfa(actor=admin, people=[alice], now=timezone.now())
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


def test_a_program_sets_up_an_app_and_goes_on(alice):
    program = Program()
    access = program.sign_in().json()["meta"]["access_token"]
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")
    before = client.get(TASKS)

    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    secret = program.ask("get", "account/authenticators/totp").json()["meta"]["secret"]
    added = program.ask("post", "account/authenticators/totp", {"code": code_at(NOW, secret=secret)})
    codes = program.ask("get", "account/authenticators/recovery-codes")

    assert is_held(before)
    assert (added.status_code, codes.status_code) == (200, 200)
    assert client.get(TASKS).status_code == 200
    assert program.ask("get", "account/email").status_code == 200


def test_a_program_does_nothing_else_there_meanwhile(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    program = Program()
    program.sign_in()
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})

    answers = [
        program.ask("get", "account/email"),
        program.ask("post", "account/email", {"email": "new@example.com"}),
        program.ask("get", "account/providers"),
        program.ask("delete", "account/providers", {"provider": "example", "account": "1"}),
        program.ask("post", "auth/password/request", {"email": alice.email}),
    ]

    codes = {(one.status_code, one.json()["errors"][0]["code"]) for one in answers}
    assert codes == {(403, "mfa_setup_required")}
    assert EmailAddress.objects.count() == 1


def test_a_program_signs_out_and_may_change_the_password(alice):
    program = Program()
    program.sign_in()
    sent = {"current_password": PASSWORD, "new_password": "a wider river turns"}

    changed = program.ask("post", "account/password/change", sent)
    program.ask("delete", "auth/session")

    assert changed.status_code == 200
    assert User.objects.get().check_password("a wider river turns")
    assert Session.objects.filter(revoked_at=None).count() == 0


def test_a_program_that_removes_the_last_factor_is_held_up(alice):
    with_totp(alice)
    program = Program()
    program.sign_in()
    done = program.ask("post", "auth/2fa/authenticate", {"code": code_at(NOW)})
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {done.json()['meta']['access_token']}")
    before = client.get(TASKS).status_code
    program.ask("post", "auth/2fa/reauthenticate", {"code": recovery_codes(alice)[0]})

    removed = program.ask("delete", "account/authenticators/totp")

    assert (before, removed.status_code) == (200, 200)
    assert is_held(client.get(TASKS))
    assert program.ask("get", "account/email").status_code == 403
