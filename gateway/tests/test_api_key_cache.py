"""API keys at the gateway: cached claims and responses, rate limits, revocation."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.api_keys import lookup
from accounts.api_keys.service_accounts import create_service_account
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
    """A gateway that counts its calls of Django and its key lookups in PostgreSQL."""

    def __init__(self):
        self.entered = self.looked_up = 0
        backend = ApiKeyBackend(
            look_up=self._look_up, should_record_use=lookup.should_record_use, record_use=lookup.record_use
        )
        sessions = SessionBackend(key=session_key, look_up=load_status)
        self.gateway = Gateway(self._django, sessions, backend)

    def _django(self, environ, start_response):
        self.entered += 1
        return django(environ, start_response)

    def _look_up(self, presented):
        self.looked_up += 1
        return lookup.get_claims(presented)

    def get(self, path, key, **headers):
        all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return send_request(self.gateway, "GET", path, headers={"authorization": f"Api-Key {key}", **all_headers})


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


def titles(response):
    return [row["title"] for row in response.json()["results"]]


def test_second_read_is_served_from_the_local_cache(node, task, key):
    first = node.get(LIST, key.text)
    node.entered = node.looked_up = 0

    second = node.get(LIST, key.text)

    assert (second.status, second.body, titles(second)) == (200, first.body, ["Fix the printer"])
    assert (node.entered, node.looked_up) == (0, 0)
    assert node.get(LIST, key.text, if_none_match=first.headers["etag"]).status == 304


def test_write_is_visible_to_a_key_on_every_node(nodes, task, alice, key):
    first, second = nodes(), nodes()
    for node in (first, second):
        node.get(LIST, key.text)

    items.update(actor=alice, ref=task.key, changes={"title": "Buy a printer"}, now=timezone.now())

    assert [titles(node.get(LIST, key.text)) for node in (first, second)] == [["Buy a printer"]] * 2


def test_revoked_key_is_rejected_by_every_node(nodes, task, alice, key):
    first, second = nodes(), nodes()
    assert {first.get(LIST, key.text).status, second.get(LIST, key.text).status} == {200}

    revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())

    assert [node.get(LIST, key.text).status for node in (first, second)] == [401, 401]
    assert [node.get(LIST, key.text).json()["code"] for node in (first, second)] == ["key_not_valid"] * 2


def test_flushed_redis_revives_no_key(node, task, alice, key):
    node.get(LIST, key.text)
    revoke_key(actor=alice, key_id=key.key.pk, now=timezone.now())

    redis.client().flushdb()
    without_lease = node.get(LIST, key.text).status
    redis.client().set(LEASE, "open")

    assert (without_lease, node.get(LIST, key.text).status) == (401, 401)


def test_keys_of_a_deactivated_user_are_rejected(nodes, task, alice, admin, key):
    first, second = nodes(), nodes()
    for node in (first, second):
        node.get(LIST, key.text)

    update_user(actor=admin, user_id=alice.pk, changes={"is_active": False}, now=timezone.now())

    assert [node.get(LIST, key.text).status for node in (first, second)] == [401, 401]


def test_rotated_key_works_until_its_overlap_ends(node, task, alice, key):
    node.get(LIST, key.text)
    new = rotate_key(actor=alice, key_id=key.key.pk, now=timezone.now(), overlap=timedelta(seconds=1))

    meanwhile = [node.get(LIST, text).status for text in (key.text, new.text)]
    time.sleep(1.05)
    afterwards = [node.get(LIST, text).status for text in (key.text, new.text)]

    assert (meanwhile, afterwards) == ([200, 200], [401, 200])


def test_cached_response_of_a_key_is_served_to_no_other_caller(node, task, alice, key):
    everything = node.get(LIST, key.text)
    narrow = create_api_key(alice, "projects:read")

    rejected = node.get(LIST, narrow.text)
    signed_in = send_request(node.gateway, "GET", LIST, headers={"authorization": f"Bearer {token_of(alice)}"})

    assert (everything.status, rejected.status, rejected.json()["code"]) == (200, 403, "scope_missing")
    assert (signed_in.status, node.entered) == (200, 3)


def test_project_limited_key_gets_no_response_of_another_key(node, project, task, alice):
    unlimited, limited = create_api_key(alice), create_api_key(alice, projects=["OPS"])
    node.get(LIST, unlimited.text)
    node.get("/api/v1/projects/", unlimited.text)

    assert [node.get(path, limited.text).status for path in (LIST, "/api/v1/projects/")] == [403, 403]
    assert node.get(f"/api/v1/tasks/{task.key}/", limited.text).status == 200


def test_cached_response_is_not_served_to_another_address(node, task, alice):
    limited = create_api_key(alice, allowed_networks=["127.0.0.1"])
    node.get(LIST, limited.text)
    inside = node.get(LIST, limited.text)

    ApiKey.objects.update(allowed_networks=["192.0.2.0/24"])
    node.gateway.api_key_cache.claims.clear()
    outside = node.get(LIST, limited.text)

    assert inside.status == 200
    assert (outside.status, outside.json()["code"]) == (403, "key_not_for_this_address")


def test_service_account_keys_have_separate_rate_limits(nodes, settings, task, alice, robot, admin):
    tiers = {"free": (2, 0), "service": (3, 0), "anonymous": (100, 0)}
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": tiers}
    node = nodes()
    robots = [create_api_key(robot, actor=admin).text for _ in range(2)]
    user_keys = [create_api_key(alice).text for _ in range(2)]

    assert [node.get(LIST, robots[0]).status for _ in range(4)] == [200, 200, 200, 429]
    assert [node.get(LIST, robots[1]).status for _ in range(2)] == [200, 200]
    assert [node.get(LIST, user_keys[number % 2]).status for number in range(3)] == [200, 200, 429]


def test_response_names_the_limit_of_its_tier(node, task, robot, admin):
    response = node.get(LIST, create_api_key(robot, actor=admin).text)

    assert response.headers["ratelimit-policy"] == '"default";q=3300;w=900'
    assert response.headers["ratelimit"] == '"default";r=3299;t=900'


def test_guessed_keys_are_limited_by_address(nodes, settings, monkeypatch, alice, key):
    monkeypatch.setattr(api_key_cache, "MAX_FAILED_LOOKUPS", 3)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (5, 0), "free": (100, 0)}}
    node = nodes()
    node.get(LIST, key.text)
    node.looked_up = 0

    responses = [node.get(LIST, api_keys.generate()[0]).status for _ in range(7)]

    assert responses == [401] * 5 + [429] * 2
    assert node.looked_up == 3
    assert node.get(LIST, key.text).status == 200  # a known key goes on working


@pytest.mark.parametrize("text", ["", "tf_live_x", "a b", "\x00", "tf_live_" + "0" * 12 + "_" + "0" * 43 + "_000000"])
def test_malformed_key_is_rejected_without_a_lookup(node, text):
    response = node.get(LIST, text)

    assert (response.status, node.looked_up) == (401, 0)


def test_known_prefix_with_another_secret_is_rejected(node, task, key):
    node.get(LIST, key.text)
    forged = api_keys.generate()[0].split("_")
    head = f"tf_live_{key.key.prefix}_{forged[3]}"

    response = node.get(LIST, f"{head}_{api_keys._checksum(head.encode())}")

    assert (response.status, response.json()["code"]) == (401, "key_not_valid")


def test_use_of_a_key_is_recorded_on_a_cache_hit(node, task, key):
    lookup._last_recorded.clear()
    node.get(LIST, key.text)
    _soon(lambda: ApiKey.objects.get().last_used_at)
    ApiKey.objects.update(last_used_at=None, last_used_ip=None)
    lookup._last_recorded.clear()
    node.entered = 0

    node.get(LIST, key.text)

    assert _soon(lambda: ApiKey.objects.get().last_used_at)
    assert (ApiKey.objects.get().last_used_ip, node.entered) == ("127.0.0.1", 0)


def test_failed_key_lookup_is_left_to_django(nodes, alice, key, monkeypatch):
    def fail(_presented):
        raise OperationalError("the database is away")

    node = nodes()
    keys = node.gateway.api_key_cache
    monkeypatch.setattr(keys, "backend", replace(keys.backend, look_up=fail))

    assert node.get("/api/v1/me/", key.text).status == 200  # it was away for the look-up only


def test_served_application_accepts_keys(nodes, task, key):
    headers = {"authorization": f"Api-Key {key.text}"}

    responses = [send_request(served, "GET", LIST, headers=headers) for _ in range(2)]

    assert [(response.status, titles(response)) for response in responses] == [(200, ["Fix the printer"])] * 2


def test_key_cannot_be_read_out_of_the_process(node, task, key):
    node.get(LIST, key.text)

    stored = [*node.gateway.api_key_cache.claims, *redis.client().keys("*")]

    assert stored
    assert key.text.split("_")[3] not in json.dumps([repr(item) for item in stored])


def _soon(read):
    for _ in range(100):
        if value := read():
            return value
        time.sleep(0.02)
    return None
