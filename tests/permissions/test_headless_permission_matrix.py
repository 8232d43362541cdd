"""allauth's doors for programs, from its own URL resolver: who is answered what, and nothing of anybody else's is touched.

Who is signed in there brings a session token; a cookie, an API key and a token of our API are nothing to these doors.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.fixtures import token_of
from accounts.tests.mfa import recovery_codes, with_totp
from core.testing.cache import reset_redis
from core.testing.database_state import row_write_count, table_digests
from core.testing.page_client import logged_in_client
from tests.passkeys import add_passkey
from tests.permissions.headless_matrix import (
    DISABLED_ENDPOINTS,
    MATRIX,
    REQUEST_BODIES,
    SECURITY_LOGGED,
    SIGN_OUT_REQUEST,
)
from tests.routes import HEADLESS_PREFIX, headless_views

BASE_PATH = f"{HEADLESS_PREFIX}app/v1/"
HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADLESS_VIEWS = {path.removeprefix(BASE_PATH): view for path, view in headless_views().items()}
EXISTING_ENDPOINTS = sorted(
    f"{method} {path}"
    for path, view in HEADLESS_VIEWS.items()
    for method in HTTP_METHODS
    if hasattr(view, method.lower())
)
# The columns of the table: `fresh` is mallory's like, who has just shown once more who they are.
CALLERS = ("anonymous", "gone", "mallory", "fresh")
PUBLIC_ENDPOINTS = ("cookie", "key", "bearer")
OBJECT_ENDPOINTS = sorted(name for name, body in REQUEST_BODIES.items() if re.search(r"{\w+}", str(body)))
MISSING_VALUES = {"passkey": 999999999, "email": "nobody@example.com", "uid": "nobody-there"}

pytestmark = pytest.mark.django_db


class HeadlessScenarios:
    """Alice, who has one of everything, and programs of others."""

    def __init__(self) -> None:
        self.alice = with_totp(UserFactory(handle="alice"))
        codes = recovery_codes(self.alice)
        bob, admin = UserFactory(handle="bob"), UserFactory(handle="admin", role=User.Role.ADMIN)
        for handle in ("mallory", "fresh", "gone"):
            UserFactory(handle=handle)
        EmailAddress.objects.create(user=self.alice, email=self.alice.email, primary=True, verified=True)
        SocialAccount.objects.create(user=self.alice, provider="example", uid="alice-there")
        self.things = {"passkey": add_passkey(self.alice).pk, "email": self.alice.email, "uid": "alice-there"}
        self.clients = {
            "anonymous": Client(),
            "cookie": logged_in_client(bob),
            "key": Client(headers={"Authorization": f"Api-Key {create_api_key(admin).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(admin)}"}),
            **{handle: sign_in_client(handle) for handle in ("mallory", "fresh", "gone")},
            "alice": sign_in_client("alice", code=codes[0]),
        }
        assert (
            send_request(self.clients["alice"], "POST auth/2fa/reauthenticate", {"code": codes[1]}).status_code == 200
        )
        assert (
            send_request(self.clients["fresh"], "POST auth/reauthenticate", {"password": PASSWORD}).status_code == 200
        )
        User.objects.filter(handle="gone").update(is_active=False)
        self.still = table_digests()

    def ask(self, name: str, who: str) -> tuple[HttpResponse, set[str]]:
        """The answer, and the tables that were written to; it is taken back."""
        reset_redis()
        before, client = row_write_count(), self.clients[who]
        cookies = client.cookies.copy()
        with transaction.atomic():
            answer = send_request(client, name, self.filled(REQUEST_BODIES.get(name)))
            wrote = {} if row_write_count() == before else table_digests()
            transaction.set_rollback(True)
        client.cookies = type(client.cookies)(cookies)
        return answer, {table for table, digest in wrote.items() if digest != self.still[table]} - {"django_session"}

    def without(self, name: str, who: str) -> HttpResponse:
        """The answer about what does not exist."""
        things, self.things = self.things, MISSING_VALUES
        answer, _ = self.ask(name, who)
        self.things = things
        return answer

    def plain(self, answer: HttpResponse) -> str:
        """The body without what the request itself has said."""
        text = answer.content.decode()
        for name, value in [*self.things.items(), *MISSING_VALUES.items()]:
            text = re.sub(rf"\b{re.escape(str(value))}\b", name, text)
        return text

    def filled(self, value: Any) -> Any:
        """A body in which the names of things are the things."""
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return self.things.get(value.strip("{}"), value) if isinstance(value, str) else value


def send_request(client: Client, name: str, body: Any = None) -> HttpResponse:
    method, path = name.split(" ")
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return client.generic(method, BASE_PATH + path, **sent)


def sign_in_client(handle: str, code: str = "") -> Client:
    answer = send_request(Client(), "POST auth/login", {"email": f"{handle}@example.com", "password": PASSWORD})
    program = Client(headers={"X-Session-Token": answer.json()["meta"]["session_token"]})
    if code:
        answer = send_request(program, "POST auth/2fa/authenticate", {"code": code})
        program = Client(headers={"X-Session-Token": answer.json()["meta"]["session_token"]})
    return program


@pytest.fixture(scope="module")
def headless_scenarios(django_db_setup, django_db_blocker):
    """Made once, and taken away again with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield HeadlessScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_door_has_its_row_and_every_row_its_door():
    assert set(EXISTING_ENDPOINTS) - set(MATRIX) == set(), (
        "add a row to DOORS, and what it takes to BODIES, in tests/permissions/headless_matrix.py"
    )
    assert set(MATRIX) - set(EXISTING_ENDPOINTS) == set(), (
        "there is no such door any more: take its row out of tests/permissions/headless_matrix.py"
    )
    assert set(HEADLESS_VIEWS) >= DISABLED_ENDPOINTS
    assert {name for name in MATRIX if name.startswith("POST ")} <= set(REQUEST_BODIES)


@pytest.mark.parametrize("name", sorted(set(MATRIX) & set(EXISTING_ENDPOINTS)))
def test_each_program_is_answered_what_the_table_says(name, headless_scenarios):
    row = dict(zip(CALLERS, map(int, MATRIX[name].split()), strict=True))
    expected = row | dict.fromkeys(PUBLIC_ENDPOINTS, row["anonymous"])

    found = {who: headless_scenarios.ask(name, who) for who in expected}

    assert {who: answer.status_code for who, (answer, _) in found.items()} == expected
    allowed = {"events_event"} if name in SECURITY_LOGGED else set()
    harmless = {who for who, status in expected.items() if status >= 400 or name.startswith("GET ")}
    harmless -= {"mallory", "fresh"} if name == SIGN_OUT_REQUEST else set()
    assert {who: found[who][1] for who in harmless if found[who][1] - allowed} == {}


@pytest.mark.parametrize("path", sorted(HEADLESS_VIEWS))
def test_a_method_that_a_door_has_not_is_refused(path, headless_scenarios):
    absent = [f"{method} {path}" for method in HTTP_METHODS if f"{method} {path}" not in EXISTING_ENDPOINTS]

    found = {(name, who): headless_scenarios.ask(name, who) for name in absent for who in CALLERS}

    met = {answer.status_code for answer, _ in found.values()}
    assert met <= (
        {404} if path in DISABLED_ENDPOINTS else {400, 401, 405, 409, 410}
    )  # what is missing may be said before
    assert [key for key, (_, wrote) in found.items() if wrote] == []


@pytest.mark.parametrize("name", OBJECT_ENDPOINTS)
def test_what_is_somebody_elses_is_not_touched(name, headless_scenarios):
    """Whoever has just proved who they are, but is not alice, is answered as if hers did not exist; she does it."""
    answer, wrote = headless_scenarios.ask(name, "fresh")
    of_nobody = headless_scenarios.without(name, "fresh")

    assert 400 <= answer.status_code < 500
    assert wrote == set()
    assert (answer.status_code, headless_scenarios.plain(answer)) == (
        of_nobody.status_code,
        headless_scenarios.plain(of_nobody),
    )


@pytest.mark.parametrize("name", [name for name in OBJECT_ENDPOINTS if "email" not in name])
def test_whose_it_is_may_do_it(name, headless_scenarios):
    answer, wrote = headless_scenarios.ask(name, "alice")

    assert answer.status_code == 200
    assert wrote


@pytest.mark.parametrize("name", [name for name in EXISTING_ENDPOINTS if name.startswith("GET ")])
def test_nothing_of_somebody_elses_is_read(name, headless_scenarios):
    secrets = ("alice-there", "alice@example.com", "alice")

    bodies = {who: headless_scenarios.ask(name, who)[0].content.decode() for who in ("mallory", "fresh")}

    assert {(who, secret) for who, body in bodies.items() for secret in secrets if secret in body} == set()
