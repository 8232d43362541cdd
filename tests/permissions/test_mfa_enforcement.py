"""Whoever owes a second factor is told so on their next request, through any node, whatever the nodes remember."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.api_keys import lookup
from accounts.auth.security_notifications import reset_mfa
from accounts.auth.sessions.cache import load_status, session_key
from accounts.models import User
from accounts.tests.api_keys import create_api_key
from accounts.tests.fixtures import reauthenticated_browser, token_of
from accounts.tests.mfa import with_passkey, with_totp
from accounts.users.administration import update_user
from config.invalidation import invalidate
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from core.testing.concurrency import run_concurrently
from events.models import Event
from gateway.api_key_cache import ApiKeyBackend
from gateway.application import Gateway
from gateway.session_backend import SessionBackend

pytestmark = pytest.mark.django_db(transaction=True)
LIST_PATH, HOME_PATH = "/api/v1/tasks/", "/settings/security/"


class GatewayNode:
    """A gateway that counts how often it enters Django."""

    def __init__(self):
        self.entered = 0
        self.gateway = Gateway(
            self._django,
            SessionBackend(key=session_key, look_up=load_status),
            ApiKeyBackend(
                look_up=lookup.get_claims, should_record_use=lookup.should_record_use, record_use=lookup.record_use
            ),
        )

    def _django(self, environ, start_response):
        self.entered += 1
        return django(environ, start_response)

    def get(self, path, authorization):
        return send_request(self.gateway, "GET", path, headers={"authorization": authorization})


@pytest.fixture
def nodes(settings):
    settings.REQUIRE_MFA = "admins"
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    made = [GatewayNode(), GatewayNode()]
    yield made
    for one in made:
        run(one.gateway.checker.close())
        one.gateway.django.close()


@pytest.fixture
def assert_restricted(nodes, alice, task):
    """What alice, by token and by key, is told by each node; twice, so that what is remembered is told too."""
    ways = [f"Bearer {token_of(alice)}", f"Api-Key {create_api_key(alice).text}"]

    def ask(at=nodes):
        answers = [node.get(LIST_PATH, way) for _ in range(2) for node in at for way in ways]
        return {(one.status, json.loads(one.body).get("code", "")) for one in answers}

    return ask


RESTRICTED, UNRESTRICTED = {(403, "mfa_setup_required")}, {(200, "")}


def set_role(admin, user, name):
    update_user(actor=admin, user_id=user.pk, changes={"role": name}, now=timezone.now())


def test_a_list_remembered_before_the_role_was_raised_is_not_handed_out(assert_restricted, nodes, alice, admin):
    found = [assert_restricted()]
    for node in nodes:
        node.entered = 0
    found.append(assert_restricted())
    from_memory = [node.entered for node in nodes]

    set_role(admin, alice, "admin")

    assert [*found, assert_restricted()] == [UNRESTRICTED, UNRESTRICTED, RESTRICTED]
    assert from_memory == [0, 0]


def test_a_list_remembered_before_the_factor_was_removed_is_not_handed_out(assert_restricted, alice, admin):
    set_role(admin, with_totp(alice), "admin")
    before = assert_restricted()

    reset_mfa(actor=admin, people=[alice], now=timezone.now())

    assert (before, assert_restricted()) == (UNRESTRICTED, RESTRICTED)


def test_a_factor_added_or_removed_counts_with_the_next_request(assert_restricted, alice, admin):
    set_role(admin, alice, "admin")
    found = [assert_restricted()]

    for _ in range(2):
        with_totp(alice)  # no more than the row: nobody is told
        found.append(assert_restricted())
        reset_mfa(actor=admin, people=[alice], now=timezone.now())
        found.append(assert_restricted())
    set_role(admin, alice, "user")

    assert [*found, assert_restricted()] == [
        RESTRICTED,
        UNRESTRICTED,
        RESTRICTED,
        UNRESTRICTED,
        RESTRICTED,
        UNRESTRICTED,
    ]


def test_a_held_session_is_still_limited_by_its_own_tier(nodes, alice, admin, settings):
    User.objects.filter(pk=alice.pk).update(tier="premium", role="admin")
    token = f"Bearer {token_of(alice)}"

    answers = [nodes[0].get(LIST_PATH, token) for _ in range(2)]

    assert [one.status for one in answers] == [403, 403]
    assert [int(one.headers["ratelimit"].split("r=")[1].split(";")[0]) for one in answers] == [1099, 1098]


def test_nothing_is_remembered_or_warmed_for_somebody_who_is_held_up(assert_restricted, nodes, alice, admin):
    set_role(admin, alice, "admin")

    assert_restricted()

    assert {load_status(one) for one in alice.sessions.values_list("pk", flat=True)} == {"held:free"}
    assert redis.client().keys("taskflow:response:*") == []


@pytest.fixture
def change_policy(nodes):
    """A process that begins after the setting was changed."""
    node = GatewayNode()
    yield node
    run(node.gateway.checker.close())
    node.gateway.django.close()


def test_a_stricter_rule_holds_from_the_first_request_of_a_new_process_on(
    assert_restricted, change_policy, alice, settings
):
    before = assert_restricted()

    settings.REQUIRE_MFA = settings.CACHE_KEY_VARIANT = "everybody"

    assert (before, assert_restricted([change_policy])) == (UNRESTRICTED, RESTRICTED)
    with_passkey(alice)  # no more than the row: nobody is told
    assert assert_restricted([change_policy]) == UNRESTRICTED


def test_the_relay_ends_what_a_commit_hook_has_failed_to_end(assert_restricted, alice):
    with_passkey(alice)
    User.objects.filter(pk=alice.pk).update(role="admin")
    before = assert_restricted()
    Authenticator.objects.all().delete()
    stale = assert_restricted()

    payload = {"user": {"id": str(alice.pk)}, "what": "webauthn_removed"}
    invalidate([Event(name="user.security_changed", subject_id=alice.pk, payload=payload)])

    assert (before, stale, assert_restricted()) == (UNRESTRICTED, UNRESTRICTED, RESTRICTED)


def test_of_two_last_factors_removed_at_once_nothing_is_left_not_even_recovery_codes(nodes, alice):
    User.objects.filter(pk=alice.pk).update(role="admin")
    passkey = with_passkey(with_totp(alice)) and Authenticator.objects.get(type="webauthn")
    doors = [f"{HOME_PATH}app/remove/", f"{HOME_PATH}passkeys/{passkey.pk}/remove/"]
    browsers = [reauthenticated_browser(alice) for _ in doors]

    outcomes = run_concurrently(
        [lambda n=n: browsers[n].post(doors[n]).status_code for n in range(2)],
    )

    assert outcomes == [302, 302]
    assert Authenticator.objects.count() == 0
    assert {one.get("/tasks/")["Location"] for one in browsers} == {HOME_PATH}


def test_a_role_raised_while_the_last_factor_goes_holds_up_whichever_comes_first(nodes, alice, admin):
    with_totp(alice)
    browser, token = reauthenticated_browser(alice), f"Bearer {token_of(alice)}"
    before = nodes[0].get(LIST_PATH, token).status

    run_concurrently(
        [lambda: browser.post(f"{HOME_PATH}app/remove/").status_code, lambda: set_role(admin, alice, "admin")]
    )

    assert before == 200
    assert [node.get(LIST_PATH, token).status for node in nodes] == [403, 403]
    assert browser.get("/tasks/")["Location"] == HOME_PATH
