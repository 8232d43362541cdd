"""The relay: gives facts their place in the log and hands them to their consumers.

One leader by advisory lock; the others stand by. `append` makes facts part of the hash-chained log and
their deliveries due; `claim_due` takes what is due by pushing its next attempt a lease ahead, so a message
the broker loses is sent again when the lease is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from core.cache import lease_end, renew_lease
from events.hash_chain import chain_hash
from events.models import Event, LogHead
from events.outbox import RELAY_CHANNEL

BATCH_SIZE = 500
MAX_EVENTS_PER_MESSAGE = 100
CLAIM_LEASE = timedelta(seconds=30)
LEADER_LOCK_ID = 0x7461736B
POLL_SECONDS = 0.5
# A turn costs as much as some fifty facts do, so in a stream of them it waits until some have gathered.
MIN_CYCLE_SECONDS = 0.1
UNSEQUENCED_SQL = "SELECT * FROM events_event WHERE position IS NULL ORDER BY id LIMIT %s"
APPEND_SQL = """
WITH placed AS (
    UPDATE events_event AS event SET position = place.position, hash = place.hash
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS place (id, position, hash) WHERE event.id = place.id
), head AS (
    UPDATE events_loghead SET position = %s, hash = %s
)
INSERT INTO events_delivery (event_id, consumer, state, attempts, next_attempt_at, last_error)
SELECT event_id, consumer, 'pending', 0, %s, '' FROM unnest(%s::bigint[], %s::text[]) AS new (event_id, consumer)
ON CONFLICT DO NOTHING
"""
CLAIM_DUE_SQL = """
WITH due AS MATERIALIZED (
    SELECT id FROM events_delivery WHERE state = 'pending' AND next_attempt_at <= %s
    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE events_delivery AS delivery SET next_attempt_at = %s FROM due WHERE delivery.id = due.id
RETURNING delivery.event_id, delivery.consumer
"""
Subscriptions = Mapping[str, Sequence[str]]
log = structlog.get_logger(__name__)


class InvalidateCallback(Protocol):
    def __call__(self, events: Sequence[Event], *, invalidate_all: bool) -> None: ...


@transaction.atomic
def append(subscriptions: Subscriptions, *, limit: int = BATCH_SIZE) -> list[Event]:
    """Give waiting facts their position and hash, and create a delivery for each of their consumers."""
    position, head = _lock_head()
    waiting = list(Event.objects.raw(UNSEQUENCED_SQL, [limit]))
    for event in waiting:
        position, head = position + 1, chain_hash(head, event)
        event.position, event.hash = position, head
    if waiting:
        _write_positions(waiting, [(event.pk, name) for event in waiting for name in subscriptions.get(event.name, ())])
    return waiting


def _lock_head() -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM events_loghead FOR UPDATE")
        found: tuple[int, str] | None = cursor.fetchone()
    if found is None:
        LogHead.objects.bulk_create([LogHead()], ignore_conflicts=True)
        return _lock_head()
    return found


def _write_positions(placed: list[Event], deliveries: list[tuple[int, str]]) -> None:
    last = placed[-1]
    places: list[Any] = [[e.pk for e in placed], [e.position for e in placed], [e.hash for e in placed]]
    consumers: list[Any] = [[event_id for event_id, _ in deliveries], [consumer for _, consumer in deliveries]]
    with connection.cursor() as cursor:
        cursor.execute(APPEND_SQL, [*places, last.position, last.hash, timezone.now(), *consumers])


def claim_due(*, limit: int = BATCH_SIZE) -> list[tuple[int, str]]:
    """Take what is due for one lease; returns (event id, consumer) in the order of events."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_DUE_SQL, [now, limit, now + CLAIM_LEASE])
        return sorted(cursor.fetchall())


def group_messages(due: Iterable[tuple[int, str]]) -> Iterator[tuple[list[int], str]]:
    """Put together what one consumer receives, MESSAGE facts at most; yields (event ids, consumer)."""
    by_consumer: dict[str, list[int]] = {}
    for event_id, consumer in due:
        by_consumer.setdefault(consumer, []).append(event_id)
    for consumer, event_ids in by_consumer.items():
        for start in range(0, len(event_ids), MAX_EVENTS_PER_MESSAGE):
            yield event_ids[start : start + MAX_EVENTS_PER_MESSAGE], consumer


def _release_leadership() -> None:
    """Closing only returns a connection to the pool, and one that is still good would keep the lock there."""
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LEADER_LOCK_ID])
    connections.close_all()


class Relay:
    """Runs until told to stop; `send` puts a consumer's facts on the broker, `catch_up` ends what facts made stale."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        send: Callable[[list[int], str], Any],
        invalidate_callback: InvalidateCallback,
    ) -> None:
        self.subscriptions = subscriptions
        self.send = send
        self.invalidate_callback = invalidate_callback
        self.pending_invalidations: list[Event] = []
        self.invalidate_all = True
        self.stopping = False
        self.listener: Any = None
        self.cycle_started_at = 0.0

    def stop(self) -> None:
        self.stopping = True

    def run(self) -> None:
        """Wait to become the leader, then lead; start over when the database went away."""
        while not self.stopping:
            try:
                if self.run_as_leader():
                    continue
            except DatabaseError as error:
                log.warning("relay_database_lost", reason=type(error).__name__)
                connections.close_all()
            time.sleep(POLL_SECONDS)

    def run_as_leader(self) -> bool:
        """Lead while the lock is held; returns whether this process was the leader."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK_ID])
            if not cursor.fetchone()[0]:
                return False
        log.info("relay_became_leader")
        self.invalidate_all = True
        try:
            while not self.stopping:
                if not self.run_cycle():
                    self.wait()
        finally:
            _release_leadership()
        return True

    def run_cycle(self) -> bool:
        """One round; returns whether more is waiting than fits into one."""
        self.cycle_started_at = time.monotonic()
        until = self.lease_end()
        appended = append(self.subscriptions)
        self.invalidate(appended, until)
        due = claim_due()
        for event_ids, consumer in group_messages(due):
            if not self.dispatch(event_ids, consumer):
                break
        return BATCH_SIZE in (len(appended), len(due))

    def lease_end(self) -> int | None:
        """How long the gate may be open when all facts that are committed by now have been seen to."""
        try:
            return lease_end()
        except RedisError:
            self.invalidate_all = True
            return None

    def invalidate(self, appended: list[Event], until: int | None) -> None:
        """End what the writers' own hooks may have failed to end; only then may remembered answers be used again."""
        self.pending_invalidations += appended
        try:
            self.invalidate_callback(self.pending_invalidations, invalidate_all=self.invalidate_all)
            if until is not None and len(appended) < BATCH_SIZE:
                renew_lease(until)
        except RedisError as error:
            log.warning("cache_lease_not_renewed", reason=type(error).__name__)
            # Redis may come back with older contents, in which generations ended long ago count again.
            self.pending_invalidations, self.invalidate_all = [], True
        else:
            self.pending_invalidations, self.invalidate_all = [], False

    def dispatch(self, event_ids: list[int], consumer: str) -> bool:
        try:
            self.send(event_ids, consumer)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("broker_unavailable", reason=type(error).__name__)
            time.sleep(POLL_SECONDS)
            return False
        return True

    def wait(self) -> None:
        """Rest until nudged, or for half a second. The first nudge after a quiet time is answered at once."""
        try:
            listener = self.listener = self.listener or _subscribe()
            if listener.get_message(timeout=POLL_SECONDS):
                time.sleep(max(0.0, self.cycle_started_at + MIN_CYCLE_SECONDS - time.monotonic()))
                while listener.get_message(timeout=0):
                    pass
        except (RedisError, OSError):
            self.listener = None
            time.sleep(POLL_SECONDS)


def _subscribe() -> Any:
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=POLL_SECONDS + 1, socket_connect_timeout=0.5)
    listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    listener.subscribe(RELAY_CHANNEL)
    return listener
