"""A passkey's own rule takes any port and any subdomain of its host; ours takes the address of this site alone."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.auth.allauth.passkey_forms import is_same_origin
from accounts.auth.passwords import services as passwords
from accounts.auth.tests.test_headless_api import Program
from accounts.models import Session
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.passkeys import SoftwarePasskey
from core.testing.clock import NOW
from core.testing.database_state import table_digests

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SITE = "https://testserver"
FOREIGN = [
    "https://testserver:8443",
    "https://other.testserver",
    "http://testserver",
    "https://testserver.evil.example",
]
THEIRS = "account/authenticators/webauthn"
SIGN_IN, STEP, CONFIRM = "auth/webauthn/login", "auth/webauthn/authenticate", "auth/webauthn/reauthenticate"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def options(program, door, key="request_options"):
    return program.ask("get", door).json()["data"][key]


def add(program, passkey, origin):
    made = passkey.create(options(program, f"{THEIRS}?passwordless", "creation_options"), origin=origin)
    return program.ask("post", THEIRS, {"name": "Phone", "credential": made})


def signed_in():
    program = Program()
    program.sign_in()
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    return program


def with_passkey():
    passkey = SoftwarePasskey("testserver")
    assert add(signed_in(), passkey, SITE).status_code == 200
    return passkey


@pytest.mark.parametrize("origin", FOREIGN)
def test_none_is_added_from_elsewhere(origin, alice):
    program = signed_in()

    answer = add(program, SoftwarePasskey("testserver"), origin)

    assert answer.status_code == 400
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_program_is_let_in_by_none_from_elsewhere(origin, alice):
    passkey = with_passkey()
    program, before = Program(), Session.objects.count()

    asked = options(program, SIGN_IN)
    answer = program.ask("post", SIGN_IN, {"credential": passkey.get(asked, origin=origin)})

    assert (answer.status_code, Session.objects.count()) == (400, before)


def test_the_site_s_own_lets_in_at_every_door(alice):
    passkey = with_passkey()
    alone, second = Program(), Program()

    first = alone.ask("post", SIGN_IN, {"credential": passkey.get(options(alone, SIGN_IN), origin=SITE)})
    again = alone.ask("post", CONFIRM, {"credential": passkey.get(options(alone, CONFIRM), origin=SITE)})
    second.sign_in()
    step = second.ask("post", STEP, {"credential": passkey.get(options(second, STEP), origin=SITE)})

    assert [one.status_code for one in (first, again, step)] == [200] * 3


@pytest.mark.parametrize("origin", FOREIGN[:2])
def test_neither_a_second_step_nor_a_proof_is_made_elsewhere(origin, alice):
    passkey = with_passkey()
    waiting, inside = Program(), Program()
    waiting.sign_in()
    inside.ask("post", SIGN_IN, {"credential": passkey.get(options(inside, SIGN_IN), origin=SITE)})
    before = Session.objects.count()

    step = waiting.ask("post", STEP, {"credential": passkey.get(options(waiting, STEP), origin=origin)})
    proof = inside.ask("post", CONFIRM, {"credential": passkey.get(options(inside, CONFIRM), origin=origin)})

    assert (step.status_code, proof.status_code) == (400, 400)
    assert Session.objects.count() == before


def test_half_a_sign_in_by_a_passkey_is_over_when_its_password_is(alice):
    passkey = with_passkey()
    page, program = Client(), Program()
    page.post("/login/", {"email": alice.email, "password": PASSWORD})
    asked = page.get("/login/mfa/").context["js_data"]["request_options"]
    program.sign_in()
    for_program = options(program, STEP)
    passwords.change_password(user=alice, password="a wider river turns", now=NOW)
    before = Session.objects.count()

    first = page.post("/login/mfa/", {"credential": json.dumps(passkey.get(asked, origin=SITE))})
    second = program.ask("post", STEP, {"credential": passkey.get(for_program, origin=SITE)})

    assert (first.status_code, first["Location"], second.status_code) == (302, "/login/", 401)
    assert (page.get("/settings/").status_code, Session.objects.count()) == (302, before)
    assert Authenticator.objects.get(type="webauthn").last_used_at is None  # it was not even looked at


@pytest.mark.parametrize(("origin", "status"), [(SITE, 302), (FOREIGN[0], 200)])
def test_pages_take_the_site_s_own_alone(origin, status, alice):
    passkey = with_passkey()
    browser = Client()
    asked = browser.get("/login/passkey/", headers={"X-Requested-With": "XMLHttpRequest"}).json()["request_options"]

    browser.post("/login/passkey/", {"credential": json.dumps(passkey.get(asked, origin=origin))})
    step = Client()
    step.post("/login/", {"email": alice.email, "password": PASSWORD})
    waiting = step.get("/login/mfa/").context["js_data"]["request_options"]
    answer = step.post("/login/mfa/", {"credential": json.dumps(passkey.get(waiting, origin=origin))})

    is_ours = origin == SITE
    assert answer.status_code == status
    assert (browser.get("/settings/").status_code == 200, step.get("/settings/").status_code == 200) == (
        is_ours,
        is_ours,
    )


def test_a_page_adds_none_from_elsewhere(alice):
    browser = reauthenticated_browser(alice)
    asked = browser.get("/settings/security/passkeys/add/").context["js_data"]["creation_options"]
    made = SoftwarePasskey("testserver").create(asked, origin=FOREIGN[0])
    before = table_digests()["mfa_authenticator"]

    browser.post("/settings/security/passkeys/add/", {"name": "Phone", "credential": json.dumps(made)})

    assert table_digests()["mfa_authenticator"] == before


@pytest.mark.parametrize(
    "credential",
    [[], "text", {}, {"response": 1}, {"response": {"clientDataJSON": "?"}}, {"response": {"clientDataJSON": 1}}],
)
def test_what_no_browser_would_send_is_refused(credential, alice):
    program = Program()
    program.ask("get", SIGN_IN)

    assert program.ask("post", SIGN_IN, {"credential": credential}).status_code == 400


@pytest.mark.parametrize(
    ("site", "origin", "is_ours"),
    [
        ("https://tasks.example.com", "https://tasks.example.com:443", True),
        ("https://tasks.example.com", "https://tasks.example.com:99999", False),
        ("https://tasks.example.com", "http://localhost:8000", False),
        ("https://tasks.example.com:8443", "https://tasks.example.com", False),
        ("http://127.0.0.1:8000", "http://localhost:41234", True),
        ("http://localhost:8000", "http://localhost:41234", True),
        ("http://localhost:8000", "http://other.localhost:8000", False),
        ("https://tasks.example.com", "", False),
    ],
)
def test_any_port_of_localhost_is_a_developer_s_own(site, origin, is_ours, settings):
    settings.SITE_URL = site

    assert is_same_origin(origin) is is_ours
