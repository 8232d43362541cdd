"""The relay: appends events to the hash-chained log and enqueues them for their consumers.

One process is the leader, by advisory lock; the others stand by. `assign_positions` gives events their positions and makes their
deliveries due. `claim_due` takes what is due by moving its next attempt a lease ahead, so a message that the broker
loses is sent again when the lease is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from core.cache import lease_end, renew_lease
from core.db import advisory_lock
from events.appending import BATCH_SIZE, Subscriptions, assign_positions
from events.models import Event
from events.outbox import RELAY_CHANNEL

# A message is one job: fewer events mean more round trips to the broker, more a longer retry after a failure.
MAX_EVENTS_PER_MESSAGE = 100
# Longer than a healthy queue needs. A delivery that is enqueued twice is harmless: its row is locked.
CLAIM_LEASE_SECONDS = 30
# The ASCII codes of "task". Any number will do that no other advisory lock has.
LEADER_LOCK_ID = 0x7461736B
# The fallback for a lost notification, and how long a standby takes to notice that the leader is gone.
POLL_SECONDS = 0.5
# A cycle costs as much as some fifty events do, so in a stream of them the relay waits until some have gathered.
MIN_CYCLE_SECONDS = 0.1
# A CTE, because PostgreSQL may evaluate a subquery with LIMIT several times, which would lock more rows than the limit.
CLAIM_DUE_SQL = """
WITH due AS MATERIALIZED (
    SELECT id FROM events_delivery WHERE state = 'pending' AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE events_delivery AS delivery SET next_attempt_at = statement_timestamp() + make_interval(secs => %s)
FROM due WHERE delivery.id = due.id
RETURNING delivery.event_id, delivery.consumer
"""
log = structlog.get_logger(__name__)


class InvalidateCallback(Protocol):
    def __call__(self, events: Sequence[Event], *, invalidate_all: bool) -> None: ...


def claim_due(*, limit: int = BATCH_SIZE) -> list[tuple[int, str]]:
    """Claim due deliveries for one lease; return (event id, consumer) in the order of events."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_DUE_SQL, [limit, CLAIM_LEASE_SECONDS])
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
        """Invalidate what the writers' own commit hooks may have missed, then renew the cache lease.

        Whatever goes wrong, the next cycle invalidates everything, for which it reads no event.
        """
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
        except (LookupError, TypeError, ValueError, AttributeError):
            if self.invalidate_all:
                raise
            # A payload that the callback does not understand; one such event must not stop the relay.
            log.exception("cache_invalidation_failed")
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
