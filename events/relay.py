"""The relay: gives facts their place in the log and hands them to their consumers.

One leader by advisory lock; the others stand by. `append` makes facts part of the hash-chained log and
their deliveries due; `dispatch` claims what is due by pushing its next attempt a lease ahead, so a message
the broker loses is sent again when the lease is over.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from core.cache import gate_end, open_gate
from events.models import Delivery, Event, LogHead
from events.publishing import NUDGE_CHANNEL

BATCH = 500
LEASE = timedelta(seconds=30)
LEADER_LOCK = 0x7461736B
POLL_SECONDS = 0.5
Subscriptions = Mapping[str, Sequence[str]]
log = structlog.get_logger(__name__)


class CatchUp(Protocol):
    def __call__(self, events: Sequence[Event], *, everything: bool) -> None: ...


def canonical(event: Event) -> bytes:
    """Return the bytes that are hashed: keys sorted, no spaces."""
    content = {
        "id": event.pk,
        "name": event.name,
        "version": event.version,
        "actor_id": event.actor_id,
        "subject": [event.subject_type, event.subject_id],
        "payload": event.payload,
        "occurred_at": event.occurred_at,
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def chain(previous: str, event: Event) -> str:
    return hashlib.sha256(previous.encode() + canonical(event)).hexdigest()


@transaction.atomic
def append(subscriptions: Subscriptions, *, limit: int = BATCH) -> list[Event]:
    """Give waiting facts their position and hash, and create a delivery for each of their consumers."""
    head, _ = LogHead.objects.select_for_update().get_or_create(pk=1)
    waiting = list(Event.objects.filter(position=None).order_by("id")[:limit])
    for event in waiting:
        head.position += 1
        head.hash = chain(head.hash, event)
        event.position, event.hash = head.position, head.hash
    if waiting:
        _write_places(waiting)
        head.save()
        now = timezone.now()
        Delivery.objects.bulk_create(
            [
                Delivery(event=event, consumer=consumer, next_attempt_at=now)
                for event in waiting
                for consumer in subscriptions.get(event.name, ())
            ],
            ignore_conflicts=True,
        )
    return waiting


def _write_places(events: list[Event]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_event AS e SET position = v.position, hash = v.hash"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v (id, position, hash) WHERE e.id = v.id",
            [[e.pk for e in events], [e.position for e in events], [e.hash for e in events]],
        )


def claim_due(*, limit: int = BATCH) -> list[tuple[int, str]]:
    """Take what is due for one lease; returns (event id, consumer)."""
    now = timezone.now()
    with transaction.atomic():
        due = Delivery.objects.due(now).select_for_update(skip_locked=True).order_by("next_attempt_at", "id")
        found = list(due.values_list("id", "event_id", "consumer")[:limit])
        Delivery.objects.filter(pk__in=[row[0] for row in found]).update(next_attempt_at=now + LEASE)
    return [(event_id, consumer) for _, event_id, consumer in found]


def _give_up_the_lead() -> None:
    """Closing only returns a connection to the pool, and one that is still good would keep the lock there."""
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LEADER_LOCK])
    connections.close_all()


class Relay:
    """Runs until told to stop; `send` puts one delivery on the broker, `catch_up` ends what facts have made stale."""

    def __init__(self, subscriptions: Subscriptions, send: Callable[[int, str], Any], catch_up: CatchUp) -> None:
        self.subscriptions = subscriptions
        self.send = send
        self.catch_up = catch_up
        self.owed: list[Event] = []
        self.owes_everything = True
        self.stopping = False
        self.listener: Any = None

    def stop(self) -> None:
        self.stopping = True

    def run(self) -> None:
        """Wait to become the leader, then lead; start over when the database went away."""
        while not self.stopping:
            try:
                if self.lead_once():
                    continue
            except DatabaseError as error:
                log.warning("relay_lost_the_database", reason=type(error).__name__)
                connections.close_all()
            time.sleep(POLL_SECONDS)

    def lead_once(self) -> bool:
        """Lead while the lock is held; returns whether this process was the leader."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
            if not cursor.fetchone()[0]:
                return False
        log.info("relay_leads")
        self.owes_everything = True
        try:
            while not self.stopping:
                if not self.turn():
                    self.wait()
        finally:
            _give_up_the_lead()
        return True

    def turn(self) -> int:
        """One round; returns how much was done, so that the caller knows whether to rest."""
        until = self.gate_end()
        appended = append(self.subscriptions)
        self.settle(appended, until)
        due = claim_due()
        for event_id, consumer in due:
            if not self.dispatch(event_id, consumer):
                break
        return len(appended) + len(due)

    def gate_end(self) -> int | None:
        """How long the gate may be open when all facts that are committed by now have been seen to."""
        try:
            return gate_end()
        except RedisError:
            self.owes_everything = True
            return None

    def settle(self, appended: list[Event], until: int | None) -> None:
        """End what the writers' own hooks may have failed to end; only then may remembered answers be used again."""
        self.owed += appended
        try:
            self.catch_up(self.owed, everything=self.owes_everything)
            if until is not None and len(appended) < BATCH:
                open_gate(until)
        except RedisError as error:
            log.warning("gate_stays_closed", reason=type(error).__name__)
            # Redis may come back with older contents, in which generations ended long ago count again.
            self.owed, self.owes_everything = [], True
        else:
            self.owed, self.owes_everything = [], False

    def dispatch(self, event_id: int, consumer: str) -> bool:
        try:
            self.send(event_id, consumer)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("broker_is_away", reason=type(error).__name__)
            time.sleep(POLL_SECONDS)
            return False
        return True

    def wait(self) -> None:
        """Rest until nudged, or for a second."""
        try:
            if self.listener is None:
                client = Redis.from_url(settings.REDIS_URL, socket_timeout=POLL_SECONDS + 1, socket_connect_timeout=0.5)
                self.listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self.listener.subscribe(NUDGE_CHANNEL)
            while self.listener.get_message(timeout=POLL_SECONDS) and self.listener.get_message(timeout=0):
                pass
        except (RedisError, OSError):
            self.listener = None
            time.sleep(POLL_SECONDS)
