"""The gateway with Django behind it: responses from the cache, rate limits, overload."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from accounts.auth.sessions.cache import load_status, session_key
from accounts.auth.sessions.services import revoke_session
from accounts.models import Session
from accounts.tests.fixtures import token_of
from accounts.users.administration import update_user
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.testing.asgi import run, send_request
from gateway import request
from gateway.application import Gateway
from gateway.session_backend import SessionBackend
from tasks.items import services as items
from tasks.members import services as members
from tasks.models import ProjectMember, Task

pytestmark = pytest.mark.django_db(transaction=True)
LIST, JSON = "/api/v1/tasks/", {"content-type": "application/json"}


class Node:
    """A gateway that counts how often it enters Django or PostgreSQL."""

    def __init__(self):
        self.entered = 0
        self.looked_up = 0
        self.gateway = Gateway(self._django, SessionBackend(key=session_key, look_up=self._look_up))

    def _django(self, environ, start_response):
        self.entered += 1
        return django(environ, start_response)

    def _look_up(self, session_id: uuid.UUID) -> str:
        self.looked_up += 1
        return load_status(session_id)

    def get(self, path, token, **headers):
        return self.send("GET", path, token, **headers)

    def send(self, method, path, token, body=None, **headers):
        all_headers = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token:
            all_headers["authorization"] = f"Bearer {token}"
        return send_request(
            self.gateway, method, path, headers=all_headers, chunks=[b"" if body is None else json.dumps(body).encode()]
        )


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
def alices(alice):
    return token_of(alice)


def titles(response):
    return [row["title"] for row in response.json()["results"]]


def test_second_read_is_served_from_the_local_cache(node, task, alices):
    first = node.get(LIST, alices)
    node.entered = node.looked_up = 0

    second = node.get(LIST, alices)

    assert (second.status, second.body) == (200, first.body)
    assert (node.entered, node.looked_up) == (0, 0)
    assert {name: second.headers[name] for name in ("etag", "vary", "cache-control", "content-type")} == {
        name: first.headers[name] for name in ("etag", "vary", "cache-control", "content-type")
    }


def test_response_of_another_node_is_taken_from_redis(nodes, task, alices):
    built = nodes().get(LIST, alices)
    other = nodes()

    taken = other.get(LIST, alices)

    assert taken.body == built.body
    assert other.entered == 0


@pytest.mark.parametrize("many", [1, 2], ids=["one node", "two nodes"])
def test_concurrent_misses_enter_django_once(nodes, task, alices, many, monkeypatch):
    monkeypatch.setattr(
        "gateway.single_flight.WAIT_TIMEOUT", 30
    )  # however slow the machine, a wait never ends in a build of its own
    monkeypatch.setattr("gateway.single_flight.LOCK_TTL_MS", 60_000)
    all_nodes = [nodes() for _ in range(many)]
    for node in all_nodes:
        node.get("/api/v1/me/", alices)  # so the session is known, and looking it up is not what is counted
        node.entered = 0

    with ThreadPoolExecutor(100) as readers:
        responses = list(readers.map(lambda number: all_nodes[number % many].get(LIST, alices), range(100)))

    assert sum(node.entered for node in all_nodes) == 1
    assert {(response.status, response.body) for response in responses} == {(200, responses[0].body)}


def test_matching_etag_is_answered_with_304(node, task, alices):
    tag = node.get(LIST, alices).headers["etag"]

    same = node.get(LIST, alices, if_none_match=tag)
    other = node.get(LIST, alices, if_none_match='"other"')
    several = node.get(LIST, alices, if_none_match=f'"other", W/{tag}')

    assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    assert not {"content-type", "content-length", "content-encoding"} & same.headers.keys()
    assert other.status == 200
    assert several.status == 304


def test_conditional_miss_caches_a_body(node, task, alices, client_of, alice):
    tag = client_of(alice).get(LIST)["ETag"]

    conditional = node.get(LIST, alices, if_none_match=tag)
    whole = node.get(LIST, alices)

    assert conditional.status == 304
    assert titles(whole) == ["Fix the printer"]


@pytest.mark.parametrize("path", [LIST, "/api/v1/tasks/OPS-1/"])
def test_write_through_one_node_is_visible_on_every_node(nodes, task, alices, bob, path):
    first, second = nodes(), nodes()
    bobs = token_of(bob)
    path = path.replace("OPS-1", task.key)
    for node in (first, second):
        for token in (alices, bobs):
            node.get(path, token)

    written = first.send("PATCH", f"/api/v1/tasks/{task.key}/", bobs, {"title": "Buy a printer"})

    assert written.status == 200
    for node in (first, second):
        for token in (alices, bobs):
            assert b"Buy a printer" in node.get(path, token).body


def test_write_past_the_gateway_is_visible(node, task, alice, alices):
    node.get(LIST, alices)

    items.update(actor=alice, ref=task.key, changes={"title": "Buy a printer"}, now=timezone.now())

    assert titles(node.get(LIST, alices)) == ["Buy a printer"]


def test_cached_response_is_not_served_to_another_user(node, task, alices, mallory):
    node.get(LIST, alices)
    node.get(f"/api/v1/tasks/{task.pk}/", alices)
    outsider_token = token_of(mallory)

    assert titles(node.get(LIST, outsider_token)) == []
    assert node.get(f"/api/v1/tasks/{task.pk}/", outsider_token).status == 404


def test_removed_member_sees_nothing_on_the_next_request(nodes, project, task, alice, bob):
    first, second = nodes(), nodes()
    bobs = token_of(bob)
    for node in (first, second):
        node.get(LIST, bobs)

    members.remove(actor=alice, ref=project.key, user_id=bob.pk, now=timezone.now())

    assert not ProjectMember.objects.filter(project=project, user=bob).exists()
    assert [titles(node.get(LIST, bobs)) for node in (first, second)] == [[], []]


def test_revoked_session_is_rejected_by_every_node(nodes, task, alice, alices):
    first, second = nodes(), nodes()
    assert {first.get(LIST, alices).status, second.get(LIST, alices).status} == {200}

    revoke_session(actor=alice, session_id=Session.objects.get(user=alice).pk, now=timezone.now())

    assert {first.get(LIST, alices).status, second.get(LIST, alices).status} == {401}


def test_flushed_redis_revives_no_session(node, task, alice, alices):
    node.get(LIST, alices)
    revoke_session(actor=alice, session_id=Session.objects.get(user=alice).pk, now=timezone.now())

    redis.client().flushdb()
    without_lease = node.get(LIST, alices).status
    redis.client().set(LEASE, "open")
    with_lease = node.get(LIST, alices).status

    assert (without_lease, with_lease) == (401, 401)


def test_reads_enter_django_without_the_cache_lease(node, task, alices):
    node.get(LIST, alices)
    redis.client().delete(LEASE)
    node.entered = 0

    responses = [node.get(LIST, alices).status for _ in range(3)]

    assert responses == [200] * 3
    assert node.entered == 3


@pytest.mark.parametrize("query", [b"overdue=true", b"overdue=false"])
def test_time_dependent_response_is_not_cached(node, task, alices, query):
    headers = {"authorization": f"Bearer {alices}"}

    for _ in range(2):
        send_request(node.gateway, "GET", LIST, headers=headers, query=query)

    assert node.entered == 2


def test_error_response_is_not_cached(node, alices):
    first = node.get("/api/v1/tasks/OPS-9/", alices)
    second = node.get("/api/v1/tasks/OPS-9/", alices)

    assert (first.status, second.status) == (404, 404)
    assert node.entered == 2


def test_no_store_request_bypasses_the_cache(node, alice, alices):
    node.get(LIST, alices)

    response = node.get(LIST, alices, cache_control="no-store")

    assert (response.status, node.entered) == (200, 2)


def test_full_queue_sheds_uncacheable_requests_without_a_check(node, alice, alices, settings):
    node.get("/api/v1/me/", alices)
    node.gateway.admission.cpu_bound = node.gateway.admission.max_cpu_bound
    settings.MAX_QUEUED_REQUESTS = 0
    before = redis.client().get(f"taskflow:rate_limit:user:{alice.pk}")

    responses = [node.send("POST", LIST, alices, {"title": "More"}), node.get("/api/v1/notifications/", alices)]

    assert [response.status for response in responses] == [503, 503]
    assert node.get("/login/", "").status == 503
    assert before is not None
    assert redis.client().get(f"taskflow:rate_limit:user:{alice.pk}") == before


def test_rate_limited_request_gets_retry_after(nodes, settings, project, alices):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"free": (3, 0), "anonymous": (100, 0)}}
    node = nodes()

    responses = [node.get(LIST, alices) for _ in range(4)]
    rejected = responses[-1]

    assert [response.status for response in responses] == [200, 200, 200, 429]
    assert [response.headers["ratelimit"] for response in responses[:3]] == [
        f'"default";r={remaining};t=900' for remaining in (2, 1, 0)
    ]
    assert rejected.headers["content-type"] == "application/problem+json"
    assert rejected.json()["code"] == "rate_limited"
    assert 59 <= int(rejected.headers["retry-after"]) <= 301
    assert node.send("POST", LIST, alices, {"title": "More", "project": "OPS"}).status == 429


def test_health_and_preflights_are_not_rate_limited(nodes, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (1, 0)}}
    node = nodes()
    assert [node.get("/api/v1/me/", "").status for _ in range(2)] == [401, 429]

    assert node.get("/api/v1/health", "").status == 200
    preflight = {"access_control_request_method": "GET"}
    assert node.send("OPTIONS", LIST, "", origin="https://elsewhere.example", **preflight).status == 204
    assert node.send("OPTIONS", LIST, "", **preflight).status == 429  # a browser names the origin of a preflight
    assert node.entered == 2


def test_forged_forwarded_for_does_not_change_the_address(nodes, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (2, 0)}}
    node = nodes()

    responses = [node.get("/api/v1/me/", "", x_forwarded_for=f"192.0.2.{number}").status for number in range(4)]

    assert responses == [401, 401, 429, 429]


def test_full_queue_sheds_misses_and_serves_hits(node, task, alices, settings):
    node.get("/api/v1/me/", alices)
    node.gateway.admission.cpu_bound = node.gateway.admission.max_cpu_bound
    settings.MAX_QUEUED_REQUESTS = 0
    node.entered = 0

    shed = node.get(LIST, alices)
    cached = node.get("/api/v1/me/", alices)

    assert (shed.status, shed.headers["retry-after"], shed.json()["code"]) == (503, "1", "overloaded")
    assert shed.headers["content-type"] == "application/problem+json"
    assert cached.status == 200
    assert node.entered == 0


def test_statistics_are_cached_for_one_minute(node, task, alices, monkeypatch):
    monkeypatch.setattr(request, "current_minute", lambda: 29_000_000)
    node.get(f"{LIST}stats/", alices)
    within = node.get(f"{LIST}stats/", alices)
    entered = node.entered
    monkeypatch.setattr(request, "current_minute", lambda: 29_000_001)

    after = node.get(f"{LIST}stats/", alices)

    assert (entered, node.entered) == (1, 2)
    assert json.loads(within.body)["total"] == json.loads(after.body)["total"] == 1


def test_changed_role_holds_on_the_next_request(node, alice, alices, admin):
    node.get("/api/v1/notifications/", alices)
    node.get("/api/v1/notifications/", alices)
    before = node.get("/api/v1/me/", alices)
    update_user(actor=admin, user_id=alice.pk, changes={"role": "staff"}, now=timezone.now())

    after = node.get("/api/v1/me/", alices)

    assert [json.loads(response.body)["role"] for response in (before, after)] == ["user", "staff"]


def test_session_revoked_during_the_upload_is_rejected(node, alices, monkeypatch):
    node.get("/api/v1/notifications/", alices)
    node.get("/api/v1/notifications/", alices)
    monkeypatch.setattr(request, "MAX_GENERATION_AGE", 0.0)
    Session.objects.update(revoked_at=timezone.now())

    late = node.send("POST", LIST, alices, {"title": "Too late"})

    assert late.status == 401
    assert not Task.objects.exists()
