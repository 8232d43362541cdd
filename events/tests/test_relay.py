"""The relay and the gate: remembered answers may be used only after all that was missed has been ended."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connections
from redis.exceptions import ConnectionError as RedisIsAway

from core import redis
from core.cache import GATE
from core.testing.together import together
from events.relay import LEADER_LOCK, Relay

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
    return Relay({}, lambda event_id, consumer: None, catch_up)


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
