"""Whoever owes a second factor is told so on their next request, through any node, whatever the nodes remember."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts import keys
from accounts.cache import remember_liveness, session_key
from accounts.models import User
from accounts.services import reset_second_factors, update_person
from accounts.tests.fixtures import confirmed, token_of
from accounts.tests.keys import minted
from accounts.tests.second_factors import with_app, with_passkey
from accounts.tokens import access_for
from config.invalidation import catch_up
from config.wsgi import application as django
from core import redis
from core.cache import GATE
from core.testing.asgi import call, run
from core.testing.together import together
from events.models import Event
from gateway.application import Gateway
from gateway.keyring import KeySource
from gateway.sessions import Sessions

pytestmark = pytest.mark.django_db(transaction=True)
LIST, HOME = "/api/v1/tasks/", "/settings/security/"


class Node:
    """A gateway that counts how often it enters Django."""

    def __init__(self):
        self.entered = 0
        self.gateway = Gateway(
            self._django,
            Sessions(key=session_key, look_up=remember_liveness, token=access_for),
            KeySource(look_up=keys.claims_of, is_due=keys.is_due, note_use=keys.note_use),
        )

    def _django(self, environ, start_response):
        self.entered += 1
        return django(environ, start_response)

    def get(self, path, authorization):
        return call(self.gateway, "GET", path, headers={"authorization": authorization})


@pytest.fixture
def nodes(settings):
    settings.REQUIRE_SECOND_FACTOR = "admins"
    redis.client().flushdb()
    redis.client().set(GATE, "open")
    made = [Node(), Node()]
    yield made
    for one in made:
        run(one.gateway.checker.close())
        one.gateway.django.close()


@pytest.fixture
def told(nodes, alice, task):
    """What alice, by token and by key, is told by each node; twice, so that what is remembered is told too."""
    ways = [f"Bearer {token_of(alice)}", f"Api-Key {minted(alice).text}"]

    def ask(at=nodes):
        answers = [node.get(LIST, way) for _ in range(2) for node in at for way in ways]
        return {(one.status, json.loads(one.body).get("code", "")) for one in answers}

    return ask


HELD, FREE = {(403, "second_factor_not_set_up")}, {(200, "")}


def role(admin, person, name):
    update_person(actor=admin, person_id=person.pk, changes={"role": name}, now=timezone.now())


def test_a_list_remembered_before_the_role_was_raised_is_not_handed_out(told, nodes, alice, admin):
    found = [told()]
    for node in nodes:
        node.entered = 0
    found.append(told())
    from_memory = [node.entered for node in nodes]

    role(admin, alice, "admin")

    assert [*found, told()] == [FREE, FREE, HELD]
    assert from_memory == [0, 0]


def test_a_list_remembered_before_the_factor_was_removed_is_not_handed_out(told, alice, admin):
    role(admin, with_app(alice), "admin")
    before = told()

    reset_second_factors(actor=admin, people=[alice], now=timezone.now())

    assert (before, told()) == (FREE, HELD)


def test_a_factor_added_or_removed_counts_with_the_next_request(told, alice, admin):
    role(admin, alice, "admin")
    found = [told()]

    for _ in range(2):
        with_app(alice)  # no more than the row: nobody is told
        found.append(told())
        reset_second_factors(actor=admin, people=[alice], now=timezone.now())
        found.append(told())
    role(admin, alice, "user")

    assert [*found, told()] == [HELD, FREE, HELD, FREE, HELD, FREE]


def test_a_held_session_is_still_limited_by_its_own_tier(nodes, alice, admin, settings):
    User.objects.filter(pk=alice.pk).update(tier="premium", role="admin")
    token = f"Bearer {token_of(alice)}"

    answers = [nodes[0].get(LIST, token) for _ in range(2)]

    assert [one.status for one in answers] == [403, 403]
    assert [int(one.headers["ratelimit"].split("r=")[1].split(";")[0]) for one in answers] == [1099, 1098]


def test_nothing_is_remembered_or_warmed_for_somebody_who_is_held_up(told, nodes, alice, admin):
    role(admin, alice, "admin")

    told()

    assert {remember_liveness(one) for one in alice.sessions.values_list("pk", flat=True)} == {"held:free"}
    assert [node.gateway.popular.counts for node in nodes] == [{}, {}]
    assert redis.client().keys("taskflow:kept:*") == []


@pytest.fixture
def redeployed(nodes):
    """A process that begins after the setting was changed."""
    node = Node()
    yield node
    run(node.gateway.checker.close())
    node.gateway.django.close()


def test_a_stricter_rule_holds_from_the_first_request_of_a_new_process_on(told, redeployed, alice, settings):
    before = told()

    settings.REQUIRE_SECOND_FACTOR = settings.KEPT_UNDER = "everybody"

    assert (before, told([redeployed])) == (FREE, HELD)
    with_passkey(alice)  # no more than the row: nobody is told
    assert told([redeployed]) == FREE


def test_the_relay_ends_what_a_commit_hook_has_failed_to_end(told, alice):
    with_passkey(alice)
    User.objects.filter(pk=alice.pk).update(role="admin")
    before = told()
    Authenticator.objects.all().delete()
    stale = told()

    payload = {"user": {"id": str(alice.pk)}, "what": "webauthn_removed"}
    catch_up([Event(name="user.security_changed", subject_id=alice.pk, payload=payload)])

    assert (before, stale, told()) == (FREE, FREE, HELD)


def test_of_two_last_factors_removed_at_once_nothing_is_left_not_even_recovery_codes(nodes, alice):
    User.objects.filter(pk=alice.pk).update(role="admin")
    passkey = with_passkey(with_app(alice)) and Authenticator.objects.get(type="webauthn")
    doors = [f"{HOME}app/remove/", f"{HOME}passkeys/{passkey.pk}/remove/"]
    browsers = [confirmed(alice) for _ in doors]

    outcomes = together(
        [lambda n=n: browsers[n].post(doors[n]).status_code for n in range(2)],
    )

    assert outcomes == [302, 302]
    assert Authenticator.objects.count() == 0
    assert {one.get("/tasks/")["Location"] for one in browsers} == {HOME}


def test_a_role_raised_while_the_last_factor_goes_holds_up_whichever_comes_first(nodes, alice, admin):
    with_app(alice)
    browser, token = confirmed(alice), f"Bearer {token_of(alice)}"
    before = nodes[0].get(LIST, token).status

    together([lambda: browser.post(f"{HOME}app/remove/").status_code, lambda: role(admin, alice, "admin")])

    assert before == 200
    assert [node.get(LIST, token).status for node in nodes] == [403, 403]
    assert browser.get("/tasks/")["Location"] == HOME
