"""The relay: leadership, cache lease, messages to consumers, notifications."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connections
from django.db.models import F
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisIsAway

from core import redis
from core.cache import LEASE
from core.testing.concurrency import run_concurrently
from events.appending import BATCH_SIZE
from events.models import Delivery, Event
from events.outbox import notify_relay
from events.relay import CLAIM_LEASE_SECONDS, LEADER_LOCK_ID, MIN_CYCLE_SECONDS, POLL_SECONDS, Relay
from events.tests.factories import EventFactory

pytestmark = pytest.mark.django_db(transaction=True)


class RecordingInvalidate:
    """Records its calls; fails `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[bool] = []

    def __call__(self, events, *, invalidate_all):
        self.calls.append(invalidate_all)
        if self.failures:
            self.failures -= 1
            raise RedisIsAway


def relay(invalidate_callback):
    return Relay({}, lambda event_ids, consumer: None, invalidate_callback)


class Broker:
    """Records the messages; unavailable while `away`."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.messages: list[tuple[list[int], str]] = []

    def __call__(self, event_ids, consumer):
        if self.away:
            raise OperationalError
        self.messages.append((event_ids, consumer))


def test_new_leader_invalidates_everything_once():
    invalidate_callback = RecordingInvalidate()
    one = relay(invalidate_callback)

    one.run_cycle()
    one.run_cycle()

    assert invalidate_callback.calls == [True, False]


def test_redis_outage_invalidates_everything():
    invalidate_callback = RecordingInvalidate()
    one = relay(invalidate_callback)
    one.run_cycle()
    invalidate_callback.failures = 1

    one.run_cycle()
    one.run_cycle()
    one.run_cycle()

    assert invalidate_callback.calls == [True, False, True, False]


def test_cache_lease_is_not_renewed_before_invalidation():
    redis.client().delete(LEASE)
    one = relay(RecordingInvalidate(failures=1))

    one.run_cycle()

    assert redis.client().get(LEASE) is None


def test_failed_leader_releases_the_lock(monkeypatch):
    one = relay(RecordingInvalidate())

    def fail():
        raise DatabaseError("a deadlock, and the connection is as good as before")

    monkeypatch.setattr(one, "run_cycle", fail)
    with pytest.raises(DatabaseError):
        one.run_as_leader()

    assert run_concurrently([_try_leader_lock]) == [True]


def _try_leader_lock():
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK_ID])
        is_locked = cursor.fetchone()[0]
        cursor.execute("SELECT pg_advisory_unlock_all()")
    return is_locked


def test_cycle_sends_one_message_to_each_consumer():
    events = EventFactory.create_batch(3)
    broker = Broker()

    more = Relay({"task.created": ("one", "other")}, broker, RecordingInvalidate()).run_cycle()

    event_ids = [event.pk for event in events]
    assert (more, sorted(broker.messages, key=lambda sent: sent[1])) == (
        False,
        [(event_ids, "one"), (event_ids, "other")],
    )


def test_full_cycle_reports_more_work():
    Event.objects.bulk_create(EventFactory.build_batch(BATCH_SIZE + 1))
    one = relay(RecordingInvalidate())

    assert [one.run_cycle(), one.run_cycle()] == [True, False]
    assert not Event.objects.filter(position=None).exists()


def test_broker_outage_is_retried_after_the_lease():
    event, broker = EventFactory(), Broker(away=True)
    one = Relay({"task.created": ("one",)}, broker, RecordingInvalidate())
    one.run_cycle()
    broker.away = False

    one.run_cycle()
    too_early = list(broker.messages)
    Delivery.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=CLAIM_LEASE_SECONDS))
    one.run_cycle()

    assert (too_early, broker.messages) == ([], [([event.pk], "one")])
    assert Delivery.objects.get().attempts == 0


@pytest.fixture
def listener(monkeypatch):
    """Return a relay that listens on a channel of its own: other test processes use the same server."""
    channel = f"test:{uuid4()}"
    monkeypatch.setattr("events.outbox.RELAY_CHANNEL", channel)
    monkeypatch.setattr("events.relay.RELAY_CHANNEL", channel)
    one = relay(RecordingInvalidate())
    one.wait()  # which subscribes, and rests no longer for it
    return one


def seconds_of_rest(one):
    started = time.monotonic()
    one.wait()
    return time.monotonic() - started


def test_first_notification_is_handled_at_once(listener):
    listener.cycle_started_at = time.monotonic() - MIN_CYCLE_SECONDS
    notify_relay()

    assert seconds_of_rest(listener) < POLL_SECONDS


def test_notifications_in_a_stream_are_batched(listener):
    listener.cycle_started_at = time.monotonic()
    for _ in range(3):
        notify_relay()

    listener.wait()

    assert listener.listener.get_message(timeout=0) is None
