"""Keys at the gateway: what is answered to them from memory, how much they may ask, and until when."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.api_keys import lookup
from accounts.api_keys.service_accounts.services import create_service_account
from accounts.api_keys.services import revoke_key, rotate_key
from accounts.auth.sessions.cache import load_status, session_key
from accounts.models import ApiKey
from accounts.tests.api_keys import create_api_key
from accounts.tests.fixtures import token_of
from accounts.users.administration import update_user
from config.asgi import application as served
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.security import api_keys
from core.testing.asgi import run, send_request
from gateway import api_key_cache
from gateway.api_key_cache import ApiKeyBackend
from gateway.application import Gateway
from gateway.session_backend import SessionBackend
from tasks.items import services as items
from tasks.models import ProjectMember, Role

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/api/v1/tasks/"


class Node:
    """A gateway that counts how often it enters Django, and how often it asks PostgreSQL whose a key is."""

    def __init__(self):
        self.entered = self.looked_up = 0
        source = ApiKeyBackend(
            look_up=self._look_up, should_record_use=lookup.should_record_use, record_use=lookup.record_use
        )
        sessions = SessionBackend(key=session_key, look_up=load_status)
        self.gateway = Gateway(self._django, sessions, source)

    def _django(self, environ, start_response):
        self.entered += 1
        return django(environ, start_response)

    def _look_up(self, offered):
        self.looked_up += 1
        return lookup.get_claims(offered)

    def get(self, path, key, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return send_request(self.gateway, "GET", path, headers={"authorization": f"Api-Key {key}", **sent})


@pytest.fixture
def nodes():
    redis.client().flushdb()
    redis.client().set(LEASE, "open")
    made = []

    def make():
        made.append(Node())
        return made[-1]

    yield make
    for node in made:
        run(_close(node))


async def _close(node):
    await node.gateway.checker.redis.aclose()
    node.gateway.django.close()


@pytest.fixture
def node(nodes):
    return nodes()


@pytest.fixture
def key(alice):
    return create_api_key(alice)


@pytest.fixture
def robot(admin, project):
    account = create_service_account(actor=admin, name="Nightly import")
    ProjectMember.objects.create(project=project, user=account, role=Role.EDITOR)
    return account


def titles(answer):
    return [row["title"] for row in answer.json()["results"]]


def test_the_second_read_enters_neither_django_nor_postgresql(node, task, key):
    first = node.get(LIST, key.text)
    node.entered = node.looked_up = 0

    second = node.get(LIST, key.text)

    assert (second.status, second.body, titles(second)) == (200, first.body, ["Fix the printer"])
    assert (node.entered, node.looked_up) == (0, 0)
    assert node.get(LIST, key.text, if_none_match=first.headers["etag"]).status == 304


def test_after_a_write_every_node_shows_it_to_the_key(nodes, task, alice, key):
    one, other = nodes(), nodes()
    for node in (one, other):
        node.get(LIST, key.text)

    items.update(actor=alice, ref=task.key, changes={"title": "Buy a printer"}, now=timezone.now())

    assert [titles(node.get(LIST, key.text)) for node in (one, other)] == [["Buy a printer"]] * 2


def test_a_revoked_key_is_refused_by_every_node_on_the_next_request(nodes, task, alice, key):
    one, other = nodes(), nodes()
    assert {one.get(LIST, key.text).status, other.get(LIST, key.text).status} == {200}

    revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())

    assert [node.get(LIST, key.text).status for node in (one, other)] == [401, 401]
    assert [node.get(LIST, key.text).json()["code"] for node in (one, other)] == ["key_not_valid"] * 2


def test_a_flushed_redis_revives_no_key(node, task, alice, key):
    node.get(LIST, key.text)
    revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())

    redis.client().flushdb()
    behind_the_gate = node.get(LIST, key.text).status
    redis.client().set(LEASE, "open")

    assert (behind_the_gate, node.get(LIST, key.text).status) == (401, 401)


def test_the_keys_of_who_is_deactivated_are_refused_on_the_next_request(nodes, task, alice, admin, key):
    one, other = nodes(), nodes()
    for node in (one, other):
        node.get(LIST, key.text)

    update_user(actor=admin, user_id=alice.pk, changes={"is_active": False}, now=timezone.now())

    assert [node.get(LIST, key.text).status for node in (one, other)] == [401, 401]


def test_a_rotated_key_is_answered_until_its_overlap_is_over_and_not_longer(node, task, alice, key):
    node.get(LIST, key.text)
    new = rotate_key(actor=alice, key_id=key.key.pk, now=timezone.now(), overlap=timedelta(seconds=1))

    meanwhile = [node.get(LIST, text).status for text in (key.text, new.text)]
    time.sleep(1.05)
    afterwards = [node.get(LIST, text).status for text in (key.text, new.text)]

    assert (meanwhile, afterwards) == ([200, 200], [401, 200])


def test_what_one_key_has_read_is_given_to_no_other_caller(node, task, alice, key):
    everything = node.get(LIST, key.text)
    narrow = create_api_key(alice, "projects:read")

    refused = node.get(LIST, narrow.text)
    signed_in = send_request(node.gateway, "GET", LIST, headers={"authorization": f"Bearer {token_of(alice)}"})

    assert (everything.status, refused.status, refused.json()["code"]) == (200, 403, "scope_missing")
    assert (signed_in.status, node.entered) == (200, 3)


def test_a_key_for_one_project_is_given_nothing_that_was_read_with_another(node, project, task, alice):
    free, bound = create_api_key(alice), create_api_key(alice, projects=["OPS"])
    node.get(LIST, free.text)
    node.get("/api/v1/projects/", free.text)

    assert [node.get(path, bound.text).status for path in (LIST, "/api/v1/projects/")] == [403, 403]
    assert node.get(f"/api/v1/tasks/{task.key}/", bound.text).status == 200


def test_a_remembered_answer_is_not_given_to_another_address(node, task, alice):
    bound = create_api_key(alice, allowed_networks=["127.0.0.1"])
    node.get(LIST, bound.text)
    inside = node.get(LIST, bound.text)

    ApiKey.objects.update(allowed_networks=["192.0.2.0/24"])
    node.gateway.api_key_cache.cached.clear()
    outside = node.get(LIST, bound.text)

    assert inside.status == 200
    assert (outside.status, outside.json()["code"]) == (403, "key_not_for_this_address")


def test_a_service_account_has_a_limit_for_each_key_and_a_person_one_for_all(
    nodes, settings, task, alice, robot, admin
):
    tiers = {"free": (2, 0), "service": (3, 0), "anonymous": (100, 0)}
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": tiers}
    node = nodes()
    robots = [create_api_key(robot, actor=admin).text for _ in range(2)]
    persons = [create_api_key(alice).text for _ in range(2)]

    assert [node.get(LIST, robots[0]).status for _ in range(4)] == [200, 200, 200, 429]
    assert [node.get(LIST, robots[1]).status for _ in range(2)] == [200, 200]
    assert [node.get(LIST, persons[number % 2]).status for number in range(3)] == [200, 200, 429]


def test_an_answer_names_the_limit_of_its_tier(node, task, robot, admin):
    answer = node.get(LIST, create_api_key(robot, actor=admin).text)

    assert answer.headers["ratelimit-policy"] == '"default";q=3300;w=900'
    assert answer.headers["ratelimit"] == '"default";r=3299;t=900'


def test_whoever_guesses_is_counted_by_address_and_soon_not_looked_up(nodes, settings, monkeypatch, alice, key):
    monkeypatch.setattr(api_key_cache, "MAX_FAILED_LOOKUPS", 3)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (5, 0), "free": (100, 0)}}
    node = nodes()
    node.get(LIST, key.text)
    node.looked_up = 0

    answers = [node.get(LIST, api_keys.generate()[0]).status for _ in range(7)]

    assert answers == [401] * 5 + [429] * 2
    assert node.looked_up == 3
    assert node.get(LIST, key.text).status == 200  # who was known goes on


@pytest.mark.parametrize("text", ["", "tf_live_x", "a b", "\x00", "tf_live_" + "0" * 12 + "_" + "0" * 43 + "_000000"])
def test_what_is_no_key_is_neither_looked_up_nor_let_in(node, text):
    answer = node.get(LIST, text)

    assert (answer.status, node.looked_up) == (401, 0)


def test_another_secret_under_a_known_prefix_is_no_key(node, task, key):
    node.get(LIST, key.text)
    forged = api_keys.generate()[0].split("_")
    head = f"tf_live_{key.key.prefix}_{forged[3]}"

    answer = node.get(LIST, f"{head}_{api_keys._checksum(head.encode())}")

    assert (answer.status, answer.json()["code"]) == (401, "key_not_valid")


def test_the_use_of_a_key_is_noted_though_it_is_answered_from_memory(node, task, key):
    lookup._last_recorded.clear()
    node.get(LIST, key.text)
    _soon(lambda: ApiKey.objects.get().last_used_at)
    ApiKey.objects.update(last_used_at=None, last_used_ip=None)
    lookup._last_recorded.clear()
    node.entered = 0

    node.get(LIST, key.text)

    assert _soon(lambda: ApiKey.objects.get().last_used_at)
    assert (ApiKey.objects.get().last_used_ip, node.entered) == ("127.0.0.1", 0)


def test_when_postgresql_cannot_be_asked_django_says_so(nodes, alice, key, monkeypatch):
    def fail(_offered):
        raise OperationalError("the database is away")

    node = nodes()
    monkeypatch.setattr(node.gateway.api_key_cache, "look_up_in_thread", fail)

    assert node.get("/api/v1/me/", key.text).status == 200  # it was away for the look-up only


def test_the_application_that_is_served_knows_keys(nodes, task, key):
    headers = {"authorization": f"Api-Key {key.text}"}

    answers = [send_request(served, "GET", LIST, headers=headers) for _ in range(2)]

    assert [(answer.status, titles(answer)) for answer in answers] == [(200, ["Fix the printer"])] * 2


def test_the_process_holds_no_key_that_could_be_read_out_of_it(node, task, key):
    node.get(LIST, key.text)

    held = [*node.gateway.api_key_cache.cached, *redis.client().keys("*")]

    assert held
    assert key.text.split("_")[3] not in json.dumps([repr(one) for one in held])


def _soon(found):
    for _ in range(100):
        if seen := found():
            return seen
        time.sleep(0.02)
    return None
