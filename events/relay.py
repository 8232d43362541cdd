"""The relay: appends events to the hash-chained log and enqueues them for their consumers.

One process is the leader, by advisory lock; the others stand by. `assign_positions` gives events their gap-free
position in the log and makes their deliveries due. `claim_due` takes what is due by moving its next attempt a lease
ahead, so a message that the broker loses is enqueued again when the lease is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from core.db import advisory_lock
from events.hash_chain import chain_hash
from events.models import Event, LogHead
from events.outbox import RELAY_CHANNEL

# One transaction's worth of events: it bounds the memory, and how long a redaction waits for the lock on the head.
BATCH_SIZE = 500
# A message is one job: fewer events mean more round trips to the broker, more a longer retry after a failure.
MAX_EVENTS_PER_MESSAGE = 100
# Longer than a healthy queue needs. A delivery that is enqueued twice is harmless: its row is locked.
CLAIM_LEASE = timedelta(seconds=30)
# The ASCII codes of "task". Any number will do that no other advisory lock has.
LEADER_LOCK_ID = 0x7461736B
# The fallback for a lost notification, and how long a standby takes to notice that the leader is gone.
POLL_SECONDS = 0.5
# A cycle costs as much as some fifty events do, so in a stream of them the relay waits until some have gathered.
MIN_CYCLE_SECONDS = 0.1
# By id, so the order of insertion. A transaction with a lower id may commit later: then its event gets the higher
# position, and no event ever appears before one that consumers have seen already.
UNSEQUENCED_SQL = "SELECT * FROM events_event WHERE position IS NULL ORDER BY id LIMIT %s"
# Three tables in one round trip, because the lock on the head of the log is held meanwhile.
APPEND_SQL = """
WITH sequenced AS (
    UPDATE events_event AS event SET position = new.position, hash = new.hash
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS new (id, position, hash) WHERE event.id = new.id
), head AS (
    UPDATE events_loghead SET position = %s, hash = %s
)
INSERT INTO events_delivery (event_id, consumer, state, attempts, next_attempt_at, last_error)
SELECT event_id, consumer, 'pending', 0, %s, '' FROM unnest(%s::bigint[], %s::text[]) AS new (event_id, consumer)
ON CONFLICT DO NOTHING
"""
# A CTE, because PostgreSQL may evaluate a subquery with LIMIT several times, which would lock more rows than the limit.
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
def assign_positions(subscriptions: Subscriptions, *, limit: int = BATCH_SIZE) -> list[Event]:
    """Append waiting events to the log: assign gap-free positions and hashes, and create their deliveries.

    A position is the event's sequence number in commit order, without gaps. A PostgreSQL sequence would not do: it
    leaves gaps on rollback, and gives numbers in the order of insertion, so a reader that has seen 8 could miss a 7
    that commits later. `id` is such a number.
    """
    position, head = _lock_head()
    waiting = list(Event.objects.raw(UNSEQUENCED_SQL, [limit]))
    for event in waiting:
        position, head = position + 1, chain_hash(head, event)
        event.position, event.hash = position, head
    if waiting:
        positions: list[Any] = [[getattr(event, name) for event in waiting] for name in ("pk", "position", "hash")]
        deliveries = [(event.pk, consumer) for event in waiting for consumer in subscriptions.get(event.name, ())]
        consumers: list[Any] = [[event_id for event_id, _ in deliveries], [consumer for _, consumer in deliveries]]
        with connection.cursor() as cursor:
            cursor.execute(APPEND_SQL, [*positions, position, head, timezone.now(), *consumers])
    return waiting


def _lock_head() -> tuple[int, str]:
    with connection.cursor() as cursor:
        # One transaction at a time appends, so positions have no gaps and the chain has no forks.
        cursor.execute("SELECT position, hash FROM events_loghead FOR UPDATE")
        head: tuple[int, str] | None = cursor.fetchone()
    if head is None:  # before the first event
        # Two relays may start at once on an empty database; one of them inserts the row.
        LogHead.objects.bulk_create([LogHead()], ignore_conflicts=True)
        return _lock_head()
    return head


def claim_due(*, limit: int = BATCH_SIZE) -> list[tuple[int, str]]:
    """Claim due deliveries for one lease; return (event id, consumer) in the order of events."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_DUE_SQL, [now, limit, now + CLAIM_LEASE])
        # RETURNING has no order of its own.
        return sorted(cursor.fetchall())


def group_messages(due: Iterable[tuple[int, str]]) -> Iterator[tuple[list[int], str]]:
    """Yield (event ids, consumer): at most MAX_EVENTS_PER_MESSAGE events of one consumer in a message."""
    by_consumer: dict[str, list[int]] = {}
    for event_id, consumer in due:
        by_consumer.setdefault(consumer, []).append(event_id)
    for consumer, event_ids in by_consumer.items():
        for start in range(0, len(event_ids), MAX_EVENTS_PER_MESSAGE):
            yield event_ids[start : start + MAX_EVENTS_PER_MESSAGE], consumer


class Relay:
    """The relay process.

    `enqueue` puts the events of a consumer on the broker; `invalidate_callback` ends the cached responses they make
    stale.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        enqueue: Callable[[list[int], str], Any],
        invalidate_callback: InvalidateCallback,
    ) -> None:
        self.subscriptions = subscriptions
        self.enqueue = enqueue
        self.invalidate_callback = invalidate_callback
        self.pending_invalidations: list[Event] = []
        # Until the first cycle it is unknown which events were appended but not yet invalidated.
        self.invalidate_all = True
        self.stopping = False
        # Kept as long as the listener: a client that is garbage-collected closes the connections of its pool.
        self.redis = Redis.from_url(settings.REDIS_URL, socket_timeout=POLL_SECONDS + 1, socket_connect_timeout=0.5)
        self.listener: Any = None
        self.cycle_started_at = 0.0

    def stop(self) -> None:
        self.stopping = True

    def run(self) -> None:
        """Wait to become the leader, then lead; start over when the database connection is lost."""
        while not self.stopping:
            try:
                if self.run_as_leader():
                    continue
            except DatabaseError as error:
                log.warning("relay_database_lost", reason=type(error).__name__)
                # The leader lock was lost with the connection; whoever gets it now leads.
                connections.close_all()
            time.sleep(POLL_SECONDS)

    def run_as_leader(self) -> bool:
        """Lead while the lock is held; return whether this process was the leader."""
        with advisory_lock(LEADER_LOCK_ID) as is_leader:
            if not is_leader:
                return False
            log.info("relay_became_leader")
            # The leader before may have died between appending events and invalidating what they changed.
            self.invalidate_all = True
            while not self.stopping:
                if not self.run_cycle():
                    self.wait()
        return True

    def run_cycle(self) -> bool:
        """Append, invalidate and enqueue once; return whether more is waiting than fits into one cycle."""
        self.cycle_started_at = time.monotonic()
        # Read before the events: the lease must not cover one that is committed after they were read.
        until = self.lease_end()
        appended = assign_positions(self.subscriptions)
        self.invalidate(appended, until)
        due = claim_due()
        for event_ids, consumer in group_messages(due):
            # What was claimed but not enqueued is due again when its claim is over.
            if not self.enqueue_message(event_ids, consumer):
                break
        return BATCH_SIZE in (len(appended), len(due))

    def lease_end(self) -> int | None:
        """Return the end of a cache lease that covers all events committed by now; None without Redis."""
        try:
            return lease_end()
        except RedisError:
            self.invalidate_all = True
            return None

    def invalidate(self, appended: list[Event], until: int | None) -> None:
        """Invalidate what the writers' own commit hooks may have missed, then renew the cache lease."""
        # Kept until an attempt succeeds: an event is appended only once.
        self.pending_invalidations += appended
        try:
            self.invalidate_callback(self.pending_invalidations, invalidate_all=self.invalidate_all)
            # After a full batch more events may wait, and what they change is not invalidated yet.
            if until is not None and len(appended) < BATCH_SIZE:
                renew_lease(until)
        except RedisError as error:
            log.warning("cache_lease_not_renewed", reason=type(error).__name__)
            # Redis may come back with older contents, in which generations that ended long ago are current again.
            self.pending_invalidations, self.invalidate_all = [], True
        else:
            self.pending_invalidations, self.invalidate_all = [], False

    def enqueue_message(self, event_ids: list[int], consumer: str) -> bool:
        """Put one message on the broker; return False while the broker is down."""
        try:
            self.enqueue(event_ids, consumer)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("broker_unavailable", reason=type(error).__name__)
            time.sleep(POLL_SECONDS)
            return False
        return True

    def wait(self) -> None:
        """Wait for a notification, or for POLL_SECONDS. The first one after a quiet time is answered at once."""
        try:
            listener = self.listener
            if listener is None:
                listener = self.redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                listener.subscribe(RELAY_CHANNEL)
                self.listener = listener
            if listener.get_message(timeout=POLL_SECONDS):
                time.sleep(max(0.0, self.cycle_started_at + MIN_CYCLE_SECONDS - time.monotonic()))
                # One cycle handles everything that is waiting, so the other notifications are already answered by it.
                while listener.get_message(timeout=0):
                    pass
        except (RedisError, OSError):
            self.listener = None
            time.sleep(POLL_SECONDS)
