"""allauth's API for programs: the same rules, the same session and the same tokens as by our own doors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.auth.tests.test_password_pages import form_of, link, mails
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, SessionFactory
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import SECRET, code_at, with_totp
from core.testing.clock import NOW
from core.testing.page_client import logged_in_client

pytestmark = pytest.mark.usefixtures("clock")
BASE = "/_allauth/app/v1"
ALICE = {"email": "alice@example.com", "password": PASSWORD}


class Program:
    """Keeps the session token as a program of allauth's API does."""

    def __init__(self) -> None:
        self.token = ""

    def ask(self, method, door, body=None, **headers):
        words = {"X-Session-Token": self.token} if self.token else {}
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = getattr(Client(headers=words | headers), method)(f"{BASE}/{door}", **sent)
        meta = answer.json().get("meta", {}) if answer["Content-Type"] == "application/json" else {}
        self.token = meta.get("session_token", self.token)
        return answer

    def sign_in(self, **more):
        return self.ask("post", "auth/login", ALICE | more)


def me(access):
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}").get("/api/v1/me/")


def test_signing_in_answers_with_our_tokens(alice):
    answer = Program().sign_in()

    meta = answer.json()["meta"]
    assert answer.status_code == 200
    assert me(meta["access_token"]).json()["email"] == "alice@example.com"
    assert list(Session.objects.values_list("user__handle", "kind")) == [("alice", "api")]
    again = ApiClient().post("/api/v1/auth/refresh/", {"refresh": meta["refresh_token"]})
    assert again.status_code == 200


def test_its_own_refresh_is_ours(alice):
    program = Program()
    refresh = program.sign_in().json()["meta"]["refresh_token"]

    answer = program.ask("post", "tokens/refresh", {"refresh_token": refresh})

    assert me(answer.json()["data"]["access_token"]).status_code == 200
    assert program.ask("post", "tokens/refresh", {"refresh_token": "nothing"}).status_code == 400


def test_a_stolen_token_used_by_this_door_is_told_with_the_address_it_was_used_from(alice, clock, outbox):
    program = Program()
    stolen = program.sign_in().json()["meta"]["refresh_token"]
    fresh = program.ask("post", "tokens/refresh", {"refresh_token": stolen}).json()["data"]["access_token"]
    clock.move_to(NOW + timedelta(seconds=15))

    sent = {"content_type": "application/json", "REMOTE_ADDR": "203.0.113.5"}
    answer = Client().post(f"{BASE}/tokens/refresh", {"refresh_token": stolen}, **sent)

    assert (answer.status_code, me(fresh).status_code) == (400, 401)
    assert Session.objects.get().revoked_at is not None
    assert outbox.only("session.refresh_token_reused")["session"]["used_from"] == "203.0.113.5"


def test_one_sign_in_is_one_session(alice):
    program = Program()
    program.sign_in()

    for _ in range(3):
        assert program.ask("get", "auth/session").status_code == 200

    assert Session.objects.count() == 1


def test_a_wrong_password_opens_nothing(alice):
    answer = Program().sign_in(password="wrong")

    assert answer.status_code == 400
    assert Session.objects.count() == 0


def test_attempts_are_counted_with_those_at_the_other_doors(alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "2/5m"
    for _ in range(2):
        ApiClient().post("/api/v1/auth/login/", ALICE | {"password": "wrong"})

    answer = Program().sign_in()

    assert (answer.status_code, answer.json()["status"]) == (429, 429)
    assert int(answer["Retry-After"]) > 0
    assert Session.objects.count() == 0


def test_the_second_factor_is_asked_for(alice):
    with_totp(alice)
    program = Program()

    answer = program.sign_in()
    between = Session.objects.count()
    wrong = program.ask("post", "auth/2fa/authenticate", {"code": "000000"})
    right = program.ask("post", "auth/2fa/authenticate", {"code": code_at(NOW)})

    assert (answer.status_code, between, wrong.status_code, right.status_code) == (401, 0, 400, 200)
    assert "access_token" not in answer.json()["meta"]
    assert me(right.json()["meta"]["access_token"]).status_code == 200


def test_a_code_that_was_used_on_a_page_is_not_taken_here(alice):
    with_totp(alice)
    page = Client()
    page.post("/login/", ALICE)
    page.post("/login/mfa/", {"code": code_at(NOW)})
    program = Program()
    program.sign_in()

    answer = program.ask("post", "auth/2fa/authenticate", {"code": code_at(NOW)})

    assert answer.status_code == 400
    assert Session.objects.filter(kind="api").count() == 0


def test_codes_are_counted_for_the_account(alice, settings):
    settings.MFA_RATE = "2/5m"
    with_totp(alice)
    program = Program()
    program.sign_in()
    for _ in range(2):
        program.ask("post", "auth/2fa/authenticate", {"code": "000000"})

    answer = program.ask("post", "auth/2fa/authenticate", {"code": code_at(NOW)})

    assert answer.status_code == 429
    assert Session.objects.count() == 0


def test_signing_out_ends_the_session_and_its_tokens(alice):
    program = Program()
    access = program.sign_in().json()["meta"]["access_token"]

    program.ask("delete", "auth/session")

    assert Session.objects.get().revoked_at is not None
    assert me(access).status_code == 401
    assert program.ask("get", "auth/session").status_code == 410


def test_ending_the_session_elsewhere_ends_the_session_token_too(alice):
    program = Program()
    program.sign_in()

    logged_in_client(alice).post(f"/settings/sessions/{Session.objects.get(kind='api').pk}/revoke/")

    assert program.ask("get", "auth/session").status_code == 410


def test_a_cookie_is_nothing_here_and_a_session_token_is_no_cookie(alice):
    program = Program()
    program.sign_in()
    browser = logged_in_client(alice)
    thief = Client()
    thief.cookies["sessionid"] = program.token

    assert browser.get(f"{BASE}/auth/session").status_code == 401
    assert thief.get("/settings/security/").status_code == 302


def test_registering_makes_a_person_of_ours(db, outbox):
    new = {"email": "Nora@Example.com", "password": "seven quiet geese", "name": "Nora Berg"}

    answer = Program().ask("post", "auth/signup", new)

    user = User.objects.get()
    assert answer.status_code == 200
    assert (user.email, user.name, user.handle) == ("nora@example.com", "Nora Berg", "nora")
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("nora@example.com", False, True)]
    assert outbox.names()[0] == "user.registered"


@pytest.mark.parametrize("wrong", [{"password": "short"}, {"email": "no"}, {"email": "alice@example.com"}])
def test_what_is_wrong_with_a_registration_is_named(wrong, alice):
    new = {"email": "nora@example.com", "password": "seven quiet geese"}

    answer = Program().ask("post", "auth/signup", new | wrong)

    assert (answer.status_code, answer.json()["errors"][0]["param"]) == (400, next(iter(wrong)))
    assert User.objects.count() == 1


def test_registrations_are_counted(db, settings):
    settings.REGISTER_RATE = "1/h"
    codes = [
        Program()
        .ask("post", "auth/signup", {"email": f"n{n}@example.com", "password": "seven quiet geese"})
        .status_code
        for n in range(2)
    ]

    assert codes == [200, 429]
    assert User.objects.count() == 1


def test_changing_the_password_keeps_this_session_alone(alice):
    SessionFactory(user=alice)
    browser = logged_in_client(alice)
    browser.get("/")
    program = Program()
    access = program.sign_in().json()["meta"]["access_token"]

    sent = {"current_password": PASSWORD, "new_password": "a wider river turns"}
    answer = program.ask("post", "account/password/change", sent)

    assert answer.status_code == 200
    assert User.objects.get().check_password("a wider river turns")
    assert me(access).status_code == 200
    assert browser.get("/").status_code == 302
    assert Session.objects.filter(revoked_at=None).count() == 1
    assert program.ask("get", "auth/session").status_code == 200


def test_a_lost_password_is_replaced_by_the_link_in_the_mail(alice):
    program = Program()
    program.ask("post", "auth/password/request", {"email": "alice@example.com"})
    key = form_of(link())[1]["key"]

    answer = program.ask("post", "auth/password/reset", {"key": key, "password": "a wider river turns"})

    assert answer.status_code == 401  # the new password still has to be given
    assert User.objects.get().check_password("a wider river turns")
    assert Session.objects.count() == 0


def test_a_mailbox_is_not_flooded(alice, settings):
    settings.EMAIL_LINK_RATE = "1/h"
    codes = [
        Program().ask("post", "auth/password/request", {"email": "alice@example.com"}).status_code for _ in range(2)
    ]

    assert codes == [200, 429]
    assert len(mails("password_reset")) == 1


def test_an_address_becomes_ones_own_by_its_link_and_by_nothing_else(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    program = Program()
    program.sign_in()
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    program.ask("post", "account/email", {"email": "new@example.com"})

    answer = program.ask("patch", "account/email", {"email": "new@example.com", "primary": True})

    removed = program.ask("delete", "account/email", {"email": "alice@example.com"})

    assert (answer.status_code, removed.status_code) == (405, 400)
    assert User.objects.get().email == "alice@example.com"
    assert [one.to for one in mails("verify_email")] == [["new@example.com"]]


def test_an_app_is_added_after_showing_once_more_who_it_is(alice):
    program = Program()
    program.sign_in()
    refused = program.ask("post", "account/authenticators/totp", {"code": "000000"})
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    secret = program.ask("get", "account/authenticators/totp").json()["meta"]["secret"]

    answer = program.ask("post", "account/authenticators/totp", {"code": code_at(NOW, secret=secret)})

    assert refused.status_code in {400, 401}
    assert answer.status_code == 200
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert SECRET not in kept


def test_nobody_is_found_out_by_the_api_of_browsers(client, db):
    assert client.get("/_allauth/browser/v1/config").status_code == 404
