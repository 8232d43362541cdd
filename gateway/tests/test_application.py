"""The gateway with Django behind it: what is answered from memory, to whom, and until when."""

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
        sent = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token:
            sent["authorization"] = f"Bearer {token}"
        return send_request(
            self.gateway, method, path, headers=sent, chunks=[b"" if body is None else json.dumps(body).encode()]
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


def titles(answer):
    return [row["title"] for row in answer.json()["results"]]


def test_the_second_read_enters_neither_django_nor_postgresql(node, task, alices):
    first = node.get(LIST, alices)
    node.entered = node.looked_up = 0

    second = node.get(LIST, alices)

    assert (second.status, second.body) == (200, first.body)
    assert (node.entered, node.looked_up) == (0, 0)
    assert {name: second.headers[name] for name in ("etag", "vary", "cache-control", "content-type")} == {
        name: first.headers[name] for name in ("etag", "vary", "cache-control", "content-type")
    }


def test_an_answer_that_another_node_has_built_is_taken_from_redis(nodes, task, alices):
    built = nodes().get(LIST, alices)
    other = nodes()

    drain = other.get(LIST, alices)

    assert drain.body == built.body
    assert other.entered == 0


@pytest.mark.parametrize("many", [1, 2], ids=["one node", "two nodes"])
def test_a_hundred_who_ask_at_once_for_what_nobody_has_built_enter_django_once(nodes, task, alices, many, monkeypatch):
    monkeypatch.setattr(
        "gateway.single_flight.WAIT_TIMEOUT", 30
    )  # however slow the machine, nobody builds out of impatience
    monkeypatch.setattr("gateway.single_flight.LOCK_TTL_MS", 60_000)
    asked = [nodes() for _ in range(many)]
    for node in asked:
        node.get("/api/v1/me/", alices)  # so the session is known, and looking it up is not what is counted
        node.entered = 0

    with ThreadPoolExecutor(100) as readers:
        answers = list(readers.map(lambda number: asked[number % many].get(LIST, alices), range(100)))

    assert sum(node.entered for node in asked) == 1
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}


def test_one_who_has_the_answer_is_told_so(node, task, alices):
    tag = node.get(LIST, alices).headers["etag"]

    fresh = node.get(LIST, alices, if_none_match=tag)
    other = node.get(LIST, alices, if_none_match='"other"')
    several = node.get(LIST, alices, if_none_match=f'"other", W/{tag}')

    assert (fresh.status, fresh.body, fresh.headers["etag"]) == (304, b"", tag)
    assert not {"content-type", "content-length", "content-encoding"} & fresh.headers.keys()
    assert other.status == 200
    assert several.status == 304


def test_a_conditional_read_of_what_nobody_has_read_yet_keeps_a_body_for_the_next(node, task, alices, client_of, alice):
    tag = client_of(alice).get(LIST)["ETag"]

    conditional = node.get(LIST, alices, if_none_match=tag)
    whole = node.get(LIST, alices)

    assert conditional.status == 304
    assert titles(whole) == ["Fix the printer"]


@pytest.mark.parametrize("path", [LIST, "/api/v1/tasks/OPS-1/"])
def test_after_a_write_through_one_node_every_node_shows_it_to_everybody(nodes, task, alices, bob, path):
    one, other = nodes(), nodes()
    bobs = token_of(bob)
    path = path.replace("OPS-1", task.key)
    for node in (one, other):
        for token in (alices, bobs):
            node.get(path, token)

    written = one.send("PATCH", f"/api/v1/tasks/{task.key}/", bobs, {"title": "Buy a printer"})

    assert written.status == 200
    for node in (one, other):
        for token in (alices, bobs):
            assert b"Buy a printer" in node.get(path, token).body


def test_a_write_past_the_gateway_is_shown_too(node, task, alice, alices):
    node.get(LIST, alices)

    items.update(actor=alice, ref=task.key, changes={"title": "Buy a printer"}, now=timezone.now())

    assert titles(node.get(LIST, alices)) == ["Buy a printer"]


def test_what_one_caller_has_read_is_never_another_ones(node, task, alices, mallory):
    node.get(LIST, alices)
    node.get(f"/api/v1/tasks/{task.pk}/", alices)
    strangers = token_of(mallory)

    assert titles(node.get(LIST, strangers)) == []
    assert node.get(f"/api/v1/tasks/{task.pk}/", strangers).status == 404


def test_one_who_was_put_out_sees_nothing_on_the_next_request(nodes, project, task, alice, bob):
    one, other = nodes(), nodes()
    bobs = token_of(bob)
    for node in (one, other):
        node.get(LIST, bobs)

    members.remove(actor=alice, ref=project.key, user_id=bob.pk, now=timezone.now())

    assert not ProjectMember.objects.filter(project=project, user=bob).exists()
    assert [titles(node.get(LIST, bobs)) for node in (one, other)] == [[], []]


def test_a_revoked_session_is_refused_by_every_node_on_the_next_request(nodes, task, alice, alices):
    one, other = nodes(), nodes()
    assert {one.get(LIST, alices).status, other.get(LIST, alices).status} == {200}

    revoke_session(actor=alice, session_id=Session.objects.get(user=alice).pk, now=timezone.now())

    assert {one.get(LIST, alices).status, other.get(LIST, alices).status} == {401}


def test_a_flushed_redis_revives_no_session(node, task, alice, alices):
    node.get(LIST, alices)
    revoke_session(actor=alice, session_id=Session.objects.get(user=alice).pk, now=timezone.now())

    redis.client().flushdb()
    behind_the_gate = node.get(LIST, alices).status
    redis.client().set(LEASE, "open")
    before_it = node.get(LIST, alices).status

    assert (behind_the_gate, before_it) == (401, 401)


def test_behind_a_closed_gate_every_read_enters_django(node, task, alices):
    node.get(LIST, alices)
    redis.client().delete(LEASE)
    node.entered = 0

    answers = [node.get(LIST, alices).status for _ in range(3)]

    assert answers == [200] * 3
    assert node.entered == 3


@pytest.mark.parametrize("query", [b"overdue=true", b"overdue=false"])
def test_what_depends_on_the_clock_is_not_kept(node, task, alices, query):
    headers = {"authorization": f"Bearer {alices}"}

    for _ in range(2):
        send_request(node.gateway, "GET", LIST, headers=headers, query=query)

    assert node.entered == 2


def test_a_refusal_is_not_kept(node, alices):
    first = node.get("/api/v1/tasks/OPS-9/", alices)
    second = node.get("/api/v1/tasks/OPS-9/", alices)

    assert (first.status, second.status) == (404, 404)
    assert node.entered == 2


def test_a_caller_may_ask_past_what_is_remembered(node, alice, alices):
    node.get(LIST, alices)

    past = node.get(LIST, alices, cache_control="no-store")

    assert (past.status, node.entered) == (200, 2)


def test_when_the_way_in_is_full_what_is_never_remembered_is_refused_unjudged(node, alice, alices, settings):
    node.get("/api/v1/me/", alices)
    node.gateway.admission.cpu_bound = node.gateway.admission.max_cpu_bound
    settings.MAX_QUEUED_REQUESTS = 0
    before = redis.client().get(f"taskflow:rate_limit:user:{alice.pk}")

    answers = [node.send("POST", LIST, alices, {"title": "More"}), node.get("/api/v1/notifications/", alices)]

    assert [answer.status for answer in answers] == [503, 503]
    assert node.get("/login/", "").status == 503
    assert before is not None
    assert redis.client().get(f"taskflow:rate_limit:user:{alice.pk}") == before


def test_beyond_the_limit_a_problem_says_when_to_come_back(nodes, settings, project, alices):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"free": (3, 0), "anonymous": (100, 0)}}
    node = nodes()

    answers = [node.get(LIST, alices) for _ in range(4)]
    refused = answers[-1]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"] for answer in answers[:3]] == [
        f'"default";r={remaining};t=900' for remaining in (2, 1, 0)
    ]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert 59 <= int(refused.headers["retry-after"]) <= 301
    assert node.send("POST", LIST, alices, {"title": "More", "project": "OPS"}).status == 429


def test_health_and_preflights_are_free(nodes, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (1, 0)}}
    node = nodes()
    assert [node.get("/api/v1/me/", "").status for _ in range(2)] == [401, 429]

    assert node.get("/api/v1/health", "").status == 200
    asked = {"access_control_request_method": "GET"}
    assert node.send("OPTIONS", LIST, "", origin="https://elsewhere.example", **asked).status == 204
    assert node.send("OPTIONS", LIST, "", **asked).status == 429  # a browser names the origin of a preflight
    assert node.entered == 2


def test_a_forged_address_is_no_address_of_its_own(nodes, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tiers": {"anonymous": (2, 0)}}
    node = nodes()

    answers = [node.get("/api/v1/me/", "", x_forwarded_for=f"192.0.2.{number}").status for number in range(4)]

    assert answers == [401, 401, 429, 429]


def test_when_too_many_wait_the_next_is_told_at_once_to_come_back(node, task, alices, settings):
    node.get("/api/v1/me/", alices)
    node.gateway.admission.cpu_bound = node.gateway.admission.max_cpu_bound
    settings.MAX_QUEUED_REQUESTS = 0
    node.entered = 0

    refused = node.get(LIST, alices)
    remembered = node.get("/api/v1/me/", alices)

    assert (refused.status, refused.headers["retry-after"], refused.json()["code"]) == (503, "1", "overloaded")
    assert refused.headers["content-type"] == "application/problem+json"
    assert remembered.status == 200
    assert node.entered == 0


def test_statistics_are_remembered_for_the_minute_they_were_counted_in(node, task, alices, monkeypatch):
    monkeypatch.setattr(request, "current_minute", lambda: 29_000_000)
    node.get(f"{LIST}stats/", alices)
    within = node.get(f"{LIST}stats/", alices)
    entered = node.entered
    monkeypatch.setattr(request, "current_minute", lambda: 29_000_001)

    after = node.get(f"{LIST}stats/", alices)

    assert (entered, node.entered) == (1, 2)
    assert json.loads(within.body)["total"] == json.loads(after.body)["total"] == 1


def test_a_changed_role_holds_on_the_next_request_though_who_asks_is_known(node, alice, alices, admin):
    node.get("/api/v1/notifications/", alices)
    node.get("/api/v1/notifications/", alices)
    before = node.get("/api/v1/me/", alices)
    update_user(actor=admin, user_id=alice.pk, changes={"role": "staff"}, now=timezone.now())

    after = node.get("/api/v1/me/", alices)

    assert [json.loads(answer.body)["role"] for answer in (before, after)] == ["user", "staff"]


def test_who_is_revoked_while_the_body_is_on_its_way_is_not_let_in(node, alices, monkeypatch):
    node.get("/api/v1/notifications/", alices)
    node.get("/api/v1/notifications/", alices)
    monkeypatch.setattr(request, "MAX_GENERATION_AGE", 0.0)
    Session.objects.update(revoked_at=timezone.now())

    late = node.send("POST", LIST, alices, {"title": "Too late"})

    assert late.status == 401
    assert not Task.objects.exists()
