"""The operations page: who sees it, what it counts, and what it shows while a part is away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts.models import User
from accounts.tests.factories import UserFactory
from analytics.models import RequestStatistics
from analytics.operations import selectors, services
from core import redis, request_statistics, status_panels
from core.request_statistics import RequestCounts, percentile
from core.testing.page_client import logged_in_client
from events.models import Delivery, Event
from gateway.request_counter import RequestCounter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 12, 30, 45, tzinfo=UTC)
URL = "/api/v1/operations/"


@pytest.fixture(autouse=True)
def _no_minutes():
    client = redis.client()
    yield
    for key in client.scan_iter("ops:requests:*"):
        client.delete(key)


def count_requests(requests, at=NOW):
    """Count (route, status, seconds) as the gateway does, and write them to Redis."""

    async def run():
        counter = RequestCounter()
        with patch("gateway.request_counter.current_time", lambda: at):
            for route, status, seconds in requests:
                counter.record(route, status, seconds)
        await counter.close()

    asyncio.run(run())


def test_percentile_lies_within_a_bucket_of_the_true_one():
    durations = sorted(0.0013 * 1.002**step for step in range(3000))
    buckets = [0] * request_statistics.BUCKET_COUNT
    for seconds in durations:
        buckets[request_statistics.bucket_of(seconds)] += 1

    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        true = durations[max(0, round(share * len(durations)) - 1)]
        estimate = percentile(buckets, share)
        assert true / 1.42 <= estimate <= true * 1.42, share
    assert percentile([0] * request_statistics.BUCKET_COUNT, 0.5) is None
    assert percentile([0] * (request_statistics.BUCKET_COUNT - 1) + [1], 0.5) <= 17


def test_requests_are_counted_rolled_up_and_reported():
    requests = [("GET /tasks/", 200, 0.02)] * 90 + [("GET /tasks/", 500, 0.9)] * 6
    requests += [("POST /api/v1/tasks/", 429, 0.001)] * 3 + [("POST /api/v1/tasks/", 503, 0.001)]
    count_requests(requests)
    count_requests([("GET /tasks/", 200, 0.02)] * 20, at=NOW - timedelta(minutes=70))

    recent = services_report("1h", NOW)
    services.roll_up(now=NOW + timedelta(minutes=2))
    services.roll_up(now=NOW + timedelta(minutes=3))
    # As if Redis had lost everything: what was stored stays.
    redis.client().delete(*redis.client().scan_iter("ops:requests:*"))
    services.roll_up(now=NOW + timedelta(minutes=4))
    later = {key: services_report(key, NOW + timedelta(minutes=4)) for key in selectors.RANGES}

    for report in (recent, later["1h"]):
        counts = report.total.counts
        assert (counts.total, counts.server_errors, counts.client_errors) == (100, 7, 3)
        assert (counts.rate_limited, counts.shed) == (3, 1)
        assert 14 < report.total.p50 < 29
        assert 640 < report.total.p99 < 1280
        assert [(route.name, route.counts.total) for route in report.slow_routes] == [("GET /tasks/", 96)]
        # Nothing recorded is not the same as no requests.
        assert sum(point.rate is not None for point in report.points) == 1
    assert {key: report.total.counts.total for key, report in later.items()} == {
        "1h": 100,
        "6h": 120,
        "24h": 120,
        "7d": 120,
    }
    hours = RequestStatistics.objects.filter(period="hour").order_by("start")
    assert [(row.start.hour, sum(row.buckets)) for row in hours] == [(11, 20), (12, 100)]
    services.roll_up(now=NOW + timedelta(days=3))
    assert not RequestStatistics.objects.filter(period="minute").exists()
    assert hours.count() == 2


def services_report(key, now):
    user = SimpleNamespace(is_admin=True)
    with patch.object(status_panels, "PANELS", {}):
        return selectors.operations_report(user, range_key=key, now=now)


def test_counts_wait_while_redis_is_away(settings):
    location = settings.CACHES["default"]["LOCATION"]

    async def run():
        counter = RequestCounter()
        counter.record("GET /", 200, 0.1)
        settings.CACHES["default"]["LOCATION"] = "redis://127.0.0.1:1/0"
        await counter.close()
        await counter.flush()
        waiting = dict(counter.waiting)
        settings.CACHES["default"]["LOCATION"] = location
        await counter.flush()
        return waiting, counter.waiting

    waiting, rest = asyncio.run(run())

    assert (list(waiting.values()), rest) == ([1], {})


def test_operations_show_every_panel_to_administrators(clients):
    admin = logged_in_client(UserFactory(role=User.Role.ADMIN))
    page = admin.get("/operations/?range=24h")
    text = page.content.decode()

    assert page.status_code == 200
    for panel in status_panels.PANELS.values():
        assert f">{panel.title}</h2>" in text
        assert admin.get(f"/operations/runbooks/{panel.runbook}/").status_code == 200, panel.runbook
    assert {"database", "tables", "cache", "node", "events", "email", "queues", "sign-in"} <= set(status_panels.PANELS)
    assert "No data" not in text
    assert admin.get("/operations/runbooks/unknown/").status_code == 404


def test_operations_are_refused_to_others(clients):
    staff = logged_in_client(UserFactory(role=User.Role.STAFF))

    answers = [staff.get("/operations/"), staff.get("/operations/runbooks/cache/"), clients["alice"].get(URL)]
    answers += [staff.post("/operations/email/retry/"), clients["alice"].post(f"{URL}email/retry/")]

    assert [answer.status_code for answer in answers] == [403] * 5


def test_panel_of_absent_part_says_since_when(monkeypatch):
    admin = logged_in_client(UserFactory(role=User.Role.ADMIN))
    first = admin.get("/operations/").content.decode()

    def fail():
        raise RedisConnectionError("secret-host:6379 refused")

    monkeypatch.setattr("core.panels.redis.client", fail)
    monkeypatch.setattr("core.redis.client", fail)
    page = admin.get("/operations/")
    text = page.content.decode()

    assert page.status_code == 200
    assert "No data since" not in first
    assert "No data since" in text
    assert "secret-host" not in text
    assert "Connections" in text


def test_dead_letters_are_redelivered_by_action(client_of):
    event = Event.objects.create(
        name="task.created", subject_type="task", subject_id=UserFactory().pk, payload={}, occurred_at=NOW
    )
    dead = Delivery.objects.create(
        event=event,
        consumer="a.b",
        state=Delivery.State.DEAD,
        attempts=10,
        next_attempt_at=NOW,
        last_error="Boom\nValueError: no",
    )
    admin = client_of(UserFactory(role=User.Role.ADMIN))

    before = admin.get(URL).json()
    answer = admin.post(f"{URL}events/redeliver/")
    unknown = admin.post(f"{URL}events/unknown/")
    dead.refresh_from_db()

    panel = next(panel for panel in before["panels"] if panel["key"] == "events")
    assert (panel["status"], panel["error"]) == ("bad", "")
    assert {"name": "Dead letters", "value": "1", "status": "bad", "note": "a.b: ValueError: no"} in panel["figures"]
    assert (answer.json(), unknown.status_code) == ({"count": 1}, 404)
    assert (dead.state, dead.attempts) == (Delivery.State.PENDING, 0)


def test_total_of_parts_is_their_sum():
    one = RequestCounts(client_errors=1)
    one.buckets[3] = 4
    total = request_statistics.total_of([one, one])

    assert (total.total, total.client_errors, one.total) == (8, 2, 4)


def test_events_set_aside_are_appended_again_by_action(client_of):
    values = {"name": "task.created", "subject_type": "task", "subject_id": UserFactory().pk, "payload": {}}
    aside = Event.objects.create(**values, occurred_at=NOW, append_error="OverflowError: too large")
    admin = client_of(UserFactory(role=User.Role.ADMIN))

    panels = {panel["key"]: panel for panel in admin.get(URL).json()["panels"]}
    answers = [admin.post(f"{URL}events/append-again/").json() for _ in range(2)]
    aside.refresh_from_db()

    assert panels["events"]["status"] == "bad"
    assert (answers, aside.append_error) == ([{"count": 1}, {"count": 0}], "")
