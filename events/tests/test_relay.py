"""The relay and the gate: remembered answers may be used only after all that was missed has been ended."""

from __future__ import annotations

import time

import pytest
import time_machine
from django.db import DatabaseError, connections
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisIsAway

from core import redis
from core.cache import GATE
from core.testing.together import together
from events.models import Delivery, Event
from events.publishing import nudge
from events.relay import BATCH, LEADER_LOCK, LEASE, POLL_SECONDS, REST_SECONDS, Relay
from events.tests.factories import EventFactory

pytestmark = pytest.mark.django_db(transaction=True)


class CatchUp:
    """Writes down what it was asked for; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[bool] = []

    def __call__(self, events, *, everything):
        self.asked.append(everything)
        if self.failures:
            self.failures -= 1
            raise RedisIsAway


def relay(catch_up):
    return Relay({}, lambda event_ids, consumer: None, catch_up)


class Broker:
    """Writes down what it was given; refuses when told to."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.messages: list[tuple[list[int], str]] = []

    def __call__(self, event_ids, consumer):
        if self.away:
            raise OperationalError
        self.messages.append((event_ids, consumer))


def test_only_a_new_leader_ends_everything():
    catch_up = CatchUp()
    one = relay(catch_up)

    one.turn()
    one.turn()

    assert catch_up.asked == [True, False]


def test_after_an_outage_everything_ends_because_redis_may_have_come_back_with_older_contents():
    catch_up = CatchUp()
    one = relay(catch_up)
    one.turn()
    catch_up.failures = 1

    one.turn()
    one.turn()
    one.turn()

    assert catch_up.asked == [True, False, True, False]


def test_the_gate_stays_closed_while_something_is_owed():
    redis.client().delete(GATE)
    one = relay(CatchUp(failures=1))

    one.turn()

    assert redis.client().get(GATE) is None


def test_a_leader_that_fails_leaves_the_lead_to_others(monkeypatch):
    one = relay(CatchUp())

    def fail():
        raise DatabaseError("a deadlock, and the connection is as good as before")

    monkeypatch.setattr(one, "turn", fail)
    with pytest.raises(DatabaseError):
        one.lead_once()

    assert together([_takes_the_lock]) == [True]


def _takes_the_lock():
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
        held = cursor.fetchone()[0]
        cursor.execute("SELECT pg_advisory_unlock_all()")
    return held


def test_a_turn_sends_one_message_to_each_consumer():
    events = EventFactory.create_batch(3)
    broker = Broker()

    more = Relay({"task.created": ("one", "other")}, broker, CatchUp()).turn()

    event_ids = [event.pk for event in events]
    assert (more, sorted(broker.messages, key=lambda sent: sent[1])) == (
        False,
        [(event_ids, "one"), (event_ids, "other")],
    )


def test_a_turn_that_could_not_take_everything_says_so():
    Event.objects.bulk_create(EventFactory.build_batch(BATCH + 1))
    one = relay(CatchUp())

    assert [one.turn(), one.turn()] == [True, False]
    assert not Event.objects.filter(position=None).exists()


def test_what_a_broker_that_is_away_did_not_take_is_sent_after_the_lease():
    event, broker = EventFactory(), Broker(away=True)
    one = Relay({"task.created": ("one",)}, broker, CatchUp())
    one.turn()
    broker.away = False

    one.turn()
    too_early = list(broker.messages)
    with time_machine.travel(timezone.now() + LEASE, tick=False):
        one.turn()

    assert (too_early, broker.messages) == ([], [([event.pk], "one")])
    assert Delivery.objects.get().attempts == 0


def listening():
    one = relay(CatchUp())
    one.wait()  # which subscribes, and rests no longer for it
    return one


def seconds_of_rest(one):
    started = time.monotonic()
    one.wait()
    return time.monotonic() - started


def test_the_first_nudge_after_a_quiet_time_is_answered_at_once():
    one = listening()
    one.turned_at = time.monotonic() - REST_SECONDS
    nudge()

    assert seconds_of_rest(one) < POLL_SECONDS


def test_facts_gather_while_nudges_come_one_after_the_other():
    one = listening()
    one.turned_at = time.monotonic()
    for _ in range(3):
        nudge()

    gathered = seconds_of_rest(one)

    assert gathered > REST_SECONDS / 2
    assert seconds_of_rest(one) > POLL_SECONDS / 2
