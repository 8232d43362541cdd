"""MFA enforcement holds from the next request on, whatever the nodes have cached."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.api_keys import lookup
from accounts.auth.mfa.enrollment import reset_mfa
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
LIST_PATH, SECURITY_PATH = "/api/v1/tasks/", "/settings/security/"


class GatewayNode:
    """A gateway that counts how often it enters Django."""

    def __init__(self):
        self.django_calls = 0
        self.gateway = Gateway(
            self._django,
            SessionBackend(key=session_key, look_up=load_status),
            ApiKeyBackend(
                look_up=lookup.get_claims, should_record_use=lookup.should_record_use, record_use=lookup.record_use
            ),
        )

    def _django(self, environ, start_response):
        self.django_calls += 1
        return django(environ, start_response)

    def get(self, path, authorization):
        return send_request(self.gateway, "GET", path, headers={"authorization": authorization})

    def close(self):
        run(self.gateway.checker.close())
        self.gateway.django.close()


@pytest.fixture
def nodes(settings):
    settings.REQUIRE_MFA = "admins"
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    nodes = [GatewayNode(), GatewayNode()]
    yield nodes
    for node in nodes:
        node.close()


@pytest.fixture
def get_statuses(nodes, alice, task):
    """Return (status, code) pairs of alice by token and key; each asked twice, to meet caches."""
    credentials = [f"Bearer {token_of(alice)}", f"Api-Key {create_api_key(alice).text}"]

    def get(from_nodes=nodes):
        responses = [
            node.get(LIST_PATH, credential) for _ in range(2) for node in from_nodes for credential in credentials
        ]
        return {(response.status, json.loads(response.body).get("code", "")) for response in responses}

    return get


RESTRICTED, UNRESTRICTED = {(403, "mfa_setup_required")}, {(200, "")}


def set_role(admin, user, name):
    update_user(actor=admin, user_id=user.pk, changes={"role": name}, now=timezone.now())


def test_cached_list_is_not_served_after_promotion(get_statuses, nodes, alice, admin):
    statuses = [get_statuses()]
    for node in nodes:
        node.django_calls = 0
    statuses.append(get_statuses())
    calls_for_cached = [node.django_calls for node in nodes]

    set_role(admin, alice, "admin")

    assert [*statuses, get_statuses()] == [UNRESTRICTED, UNRESTRICTED, RESTRICTED]
    assert calls_for_cached == [0, 0]


def test_cached_list_is_not_served_after_mfa_reset(get_statuses, alice, admin):
    set_role(admin, with_totp(alice), "admin")
    before = get_statuses()

    reset_mfa(actor=admin, users=[alice], now=timezone.now())

    assert (before, get_statuses()) == (UNRESTRICTED, RESTRICTED)


def test_mfa_change_counts_from_the_next_request_on(get_statuses, alice, admin):
    set_role(admin, alice, "admin")
    statuses = [get_statuses()]

    for _ in range(2):
        with_totp(alice)  # only the row: no cache is invalidated
        statuses.append(get_statuses())
        reset_mfa(actor=admin, users=[alice], now=timezone.now())
        statuses.append(get_statuses())
    set_role(admin, alice, "user")
    statuses.append(get_statuses())

    assert statuses == [RESTRICTED, UNRESTRICTED, RESTRICTED, UNRESTRICTED, RESTRICTED, UNRESTRICTED]


def test_restricted_session_keeps_the_limit_of_its_tier(nodes, alice, admin, settings):
    User.objects.filter(pk=alice.pk).update(tier="premium", role="admin")
    token = f"Bearer {token_of(alice)}"

    responses = [nodes[0].get(LIST_PATH, token) for _ in range(2)]

    assert [response.status for response in responses] == [403, 403]
    remaining = [int(response.headers["ratelimit"].split("r=")[1].split(";")[0]) for response in responses]
    assert remaining == [1099, 1098]


def test_restricted_user_has_no_cached_responses(get_statuses, alice, admin):
    set_role(admin, alice, "admin")

    get_statuses()

    assert {load_status(pk) for pk in alice.sessions.values_list("pk", flat=True)} == {"restricted:free"}
    assert redis.client().keys("taskflow:response:*") == []


@pytest.fixture
def new_node(nodes):
    """A process that starts after the setting was changed."""
    node = GatewayNode()
    yield node
    node.close()


def test_stricter_policy_holds_from_first_request_of_new_process(get_statuses, new_node, alice, settings):
    before = get_statuses()

    settings.REQUIRE_MFA = settings.CACHE_KEY_VARIANT = "everybody"

    assert (before, get_statuses([new_node])) == (UNRESTRICTED, RESTRICTED)
    with_passkey(alice)  # only the row: no cache is invalidated
    assert get_statuses([new_node]) == UNRESTRICTED


def test_relay_invalidates_what_the_commit_hook_missed(get_statuses, alice):
    with_passkey(alice)
    User.objects.filter(pk=alice.pk).update(role="admin")
    before = get_statuses()
    Authenticator.objects.all().delete()
    stale = get_statuses()

    payload = {"user": {"id": str(alice.pk)}, "change": "webauthn_removed"}
    invalidate([Event(name="user.security_changed", subject_id=alice.pk, payload=payload)])

    assert (before, stale, get_statuses()) == (UNRESTRICTED, UNRESTRICTED, RESTRICTED)


def test_last_two_mfa_methods_removed_at_once_leave_no_codes(nodes, alice):
    User.objects.filter(pk=alice.pk).update(role="admin")
    with_passkey(with_totp(alice))
    passkey = Authenticator.objects.get(type="webauthn")
    paths = [f"{SECURITY_PATH}app/remove/", f"{SECURITY_PATH}passkeys/{passkey.pk}/remove/"]
    browsers = [reauthenticated_browser(alice) for _ in paths]

    statuses = run_concurrently([lambda n=n: browsers[n].post(paths[n]).status_code for n in range(2)])

    assert statuses == [302, 302]
    assert Authenticator.objects.count() == 0
    assert {browser.get("/tasks/")["Location"] for browser in browsers} == {SECURITY_PATH}


def test_promotion_while_last_method_is_removed_restricts(nodes, alice, admin):
    with_totp(alice)
    browser, token = reauthenticated_browser(alice), f"Bearer {token_of(alice)}"
    before = nodes[0].get(LIST_PATH, token).status

    run_concurrently(
        [lambda: browser.post(f"{SECURITY_PATH}app/remove/").status_code, lambda: set_role(admin, alice, "admin")]
    )

    assert before == 200
    assert [node.get(LIST_PATH, token).status for node in nodes] == [403, 403]
    assert browser.get("/tasks/")["Location"] == SECURITY_PATH
