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
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.fixtures import token_of
from accounts.tests.keys import minted
from accounts.tests.second_factors import recovery_codes, with_app
from core.testing.cache import begin_anew
from core.testing.pages import browser_of
from core.testing.state import attempts, fingerprint
from tests.passkeys import add_passkey
from tests.program_doors import BODIES, CLOSED, DONE_BY_401, DOORS, LOGGED
from tests.routes import PROGRAMS, of_programs

BASE = f"{PROGRAMS}app/v1/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VIEWS = {path.removeprefix(BASE): view for path, view in of_programs().items()}
THERE = sorted(
    f"{method} {path}" for path, view in VIEWS.items() for method in METHODS if hasattr(view, method.lower())
)
# The columns of the table: `fresh` is mallory's like, who has just shown once more who they are.
CALLERS = ("anonymous", "gone", "mallory", "fresh")
OUTSIDE = ("cookie", "key", "bearer")
OF_ALICE = sorted(name for name, body in BODIES.items() if re.search(r"{\w+}", str(body)))
NOWHERE = {"passkey": 999999999, "email": "nobody@example.com", "uid": "nobody-there"}

pytestmark = pytest.mark.django_db


class Programs:
    """Alice, who has one of everything, and programs of others."""

    def __init__(self) -> None:
        self.alice = with_app(UserFactory(handle="alice"))
        codes = recovery_codes(self.alice)
        bob, admin = UserFactory(handle="bob"), UserFactory(handle="admin", role=User.Role.ADMIN)
        for handle in ("mallory", "fresh", "gone"):
            UserFactory(handle=handle)
        EmailAddress.objects.create(user=self.alice, email=self.alice.email, primary=True, verified=True)
        SocialAccount.objects.create(user=self.alice, provider="example", uid="alice-there")
        self.things = {"passkey": add_passkey(self.alice).pk, "email": self.alice.email, "uid": "alice-there"}
        self.clients = {
            "anonymous": Client(),
            "cookie": browser_of(bob),
            "key": Client(headers={"Authorization": f"Api-Key {minted(admin).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(admin)}"}),
            **{handle: program_of(handle) for handle in ("mallory", "fresh", "gone")},
            "alice": program_of("alice", code=codes[0]),
        }
        assert ask(self.clients["alice"], "POST auth/2fa/reauthenticate", {"code": codes[1]}).status_code == 200
        assert ask(self.clients["fresh"], "POST auth/reauthenticate", {"password": PASSWORD}).status_code == 200
        User.objects.filter(handle="gone").update(is_active=False)
        self.still = fingerprint()

    def ask(self, name: str, who: str) -> tuple[HttpResponse, set[str]]:
        """The answer, and the tables that were written to; it is taken back."""
        begin_anew()
        before, client = attempts(), self.clients[who]
        cookies = client.cookies.copy()
        with transaction.atomic():
            answer = ask(client, name, self.filled(BODIES.get(name)))
            wrote = {} if attempts() == before else fingerprint()
            transaction.set_rollback(True)
        client.cookies = type(client.cookies)(cookies)
        return answer, {table for table, digest in wrote.items() if digest != self.still[table]} - {"django_session"}

    def without(self, name: str, who: str) -> HttpResponse:
        """The answer about what does not exist."""
        things, self.things = self.things, NOWHERE
        answer, _ = self.ask(name, who)
        self.things = things
        return answer

    def plain(self, answer: HttpResponse) -> str:
        """The body without what the request itself has said."""
        text = answer.content.decode()
        for name, value in [*self.things.items(), *NOWHERE.items()]:
            text = re.sub(rf"\b{re.escape(str(value))}\b", name, text)
        return text

    def filled(self, value: Any) -> Any:
        """A body in which the names of things are the things."""
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return self.things.get(value.strip("{}"), value) if isinstance(value, str) else value


def ask(client: Client, name: str, body: Any = None) -> HttpResponse:
    method, path = name.split(" ")
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return client.generic(method, BASE + path, **sent)


def program_of(handle: str, code: str = "") -> Client:
    answer = ask(Client(), "POST auth/login", {"email": f"{handle}@example.com", "password": PASSWORD})
    program = Client(headers={"X-Session-Token": answer.json()["meta"]["session_token"]})
    if code:
        answer = ask(program, "POST auth/2fa/authenticate", {"code": code})
        program = Client(headers={"X-Session-Token": answer.json()["meta"]["session_token"]})
    return program


@pytest.fixture(scope="module")
def programs(django_db_setup, django_db_blocker):
    """Made once, and taken away again with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Programs()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_door_has_its_row_and_every_row_its_door():
    assert set(THERE) - set(DOORS) == set(), (
        "add a row to DOORS, and what it takes to BODIES, in tests/program_doors.py"
    )
    assert set(DOORS) - set(THERE) == set(), (
        "there is no such door any more: take its row out of tests/program_doors.py"
    )
    assert set(VIEWS) >= CLOSED
    assert {name for name in DOORS if name.startswith("POST ")} <= set(BODIES)


@pytest.mark.parametrize("name", sorted(set(DOORS) & set(THERE)))
def test_each_program_is_answered_what_the_table_says(name, programs):
    row = dict(zip(CALLERS, map(int, DOORS[name].split()), strict=True))
    expected = row | dict.fromkeys(OUTSIDE, row["anonymous"])

    found = {who: programs.ask(name, who) for who in expected}

    assert {who: answer.status_code for who, (answer, _) in found.items()} == expected
    allowed = {"events_event"} if name in LOGGED else set()
    harmless = {who for who, status in expected.items() if status >= 400 or name.startswith("GET ")}
    harmless -= {"mallory", "fresh"} if name == DONE_BY_401 else set()
    assert {who: found[who][1] for who in harmless if found[who][1] - allowed} == {}


@pytest.mark.parametrize("path", sorted(VIEWS))
def test_a_method_that_a_door_has_not_is_refused(path, programs):
    absent = [f"{method} {path}" for method in METHODS if f"{method} {path}" not in THERE]

    found = {(name, who): programs.ask(name, who) for name in absent for who in CALLERS}

    met = {answer.status_code for answer, _ in found.values()}
    assert met <= ({404} if path in CLOSED else {400, 401, 405, 409, 410})  # what is missing may be said before
    assert [key for key, (_, wrote) in found.items() if wrote] == []


@pytest.mark.parametrize("name", OF_ALICE)
def test_what_is_somebody_elses_is_not_touched(name, programs):
    """Whoever has just proved who they are, but is not alice, is answered as if hers did not exist; she does it."""
    answer, wrote = programs.ask(name, "fresh")
    of_nobody = programs.without(name, "fresh")

    assert 400 <= answer.status_code < 500
    assert wrote == set()
    assert (answer.status_code, programs.plain(answer)) == (of_nobody.status_code, programs.plain(of_nobody))


@pytest.mark.parametrize("name", [name for name in OF_ALICE if "email" not in name])
def test_whose_it_is_may_do_it(name, programs):
    answer, wrote = programs.ask(name, "alice")

    assert answer.status_code == 200
    assert wrote


@pytest.mark.parametrize("name", [name for name in THERE if name.startswith("GET ")])
def test_nothing_of_somebody_elses_is_read(name, programs):
    secrets = ("alice-there", "alice@example.com", "alice")

    bodies = {who: programs.ask(name, who)[0].content.decode() for who in ("mallory", "fresh")}

    assert {(who, secret) for who, body in bodies.items() for secret in secrets if secret in body} == set()
