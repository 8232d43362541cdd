"""Appending events to the log: position, hash, commitments to personal data, and a delivery for each consumer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connection, transaction

from events.hash_chain import HASHED_COLUMNS, HashedEvent, canonical_json, chain_hash, commitment
from events.models import Event, LogHead, storable_error

# One transaction's worth of events: it bounds the memory, and how long a redaction waits for the lock on the head.
BATCH_SIZE = 500
SALT_BYTES = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# By id, so the order of insertion. A transaction with a lower id may commit later: then its event gets the higher
# position, and no event ever appears before one that consumers have seen already.
UNSEQUENCED_SQL = f"""
SELECT {HASHED_COLUMNS}
FROM events_event WHERE position IS NULL AND append_error = '' ORDER BY id LIMIT %s
"""  # noqa: S608 -- a constant
# All tables in one round trip, because the lock on the head of the log is held meanwhile. Rows go as JSON: psycopg
# quotes the texts of an array one by one with a regular expression, which took half of the relay's time.
APPEND_SQL = """
WITH sequenced AS (
    UPDATE events_event AS event SET position = new.position, hash = new.hash,
        payload = coalesce(new.payload, event.payload), commitments = new.commitments
    FROM json_to_recordset(%s::json)
        AS new (id bigint, position bigint, hash text, payload jsonb, commitments jsonb)
    WHERE event.id = new.id
), personal AS (
    INSERT INTO events_personaldata (event_id, user_id, salt, data)
    SELECT event_id, user_id, decode(salt, 'hex'), data
    FROM json_to_recordset(%s::json) AS new (event_id bigint, user_id uuid, salt text, data jsonb)
), head AS (
    UPDATE events_loghead SET position = %s, hash = %s
)
INSERT INTO events_delivery (event_id, consumer, state, attempts, next_attempt_at, last_error)
SELECT event_id, consumer, 'pending', 0, statement_timestamp(), ''
FROM json_to_recordset(%s::json) AS new (event_id bigint, consumer text)
ON CONFLICT DO NOTHING
"""
Subscriptions = Mapping[str, Sequence[str]]
log = structlog.get_logger(__name__)


def assign_positions(subscriptions: Subscriptions, *, limit: int = BATCH_SIZE) -> list[Event]:
    """Append waiting events to the log: assign gap-free positions and hashes, and create their deliveries.

    A position is the event's sequence number in commit order, without gaps. A PostgreSQL sequence would not do: it
    leaves gaps on rollback, and gives numbers in the order of insertion, so a reader that has seen 8 could miss a 7
    that commits later. `id` is such a number.

    An event that cannot be appended is set aside with its `append_error`, so that it does not stop the others.
    """
    try:
        return _append(subscriptions, limit=limit)
    except (DataError, IntegrityError) as error:
        if limit > 1:  # one event of the batch is to blame: it is alone in its batch after a few halvings
            return assign_positions(subscriptions, limit=limit // 2)
        with transaction.atomic(), connection.cursor() as cursor:
            _lock_head()
            cursor.execute(UNSEQUENCED_SQL, [1])
            _set_aside([(row[0], error) for row in cursor.fetchall()])
        return []


@transaction.atomic
def _append(subscriptions: Subscriptions, *, limit: int) -> list[Event]:
    position, head = _lock_head()
    with connection.cursor() as cursor:
        cursor.execute(UNSEQUENCED_SQL, [limit])
        rows = cursor.fetchall()
    appended: list[Event] = []
    chained: list[bytes] = []
    personal: list[bytes] = []
    failed: list[tuple[int, Exception]] = []
    for row in rows:
        hashed = HashedEvent._make((*row, {}))
        try:
            occurred_at = EPOCH + timedelta(microseconds=hashed.occurred_at)
            ids = {"actor_id": hashed.actor_id and UUID(hashed.actor_id), "subject_id": UUID(hashed.subject_id)}
            payload = json.loads(row[6])
            event = Event(**hashed._replace(payload=payload)._asdict() | ids | {"occurred_at": occurred_at})
            public, parts = event.split_payload()
            salted = [(user_id, os.urandom(SALT_BYTES), values) for user_id, values in parts.items()]
            commitments = {user_id: commitment(salt, values) for user_id, salt, values in salted}
            event.hash = chain_hash(head, hashed._replace(payload=public, commitments=commitments))
            columns = {"id": event.pk, "position": position + 1, "hash": event.hash, "commitments": commitments}
            chained_row = canonical_json(columns | {"payload": public} if parts else columns)
            personal_rows = [
                canonical_json({"event_id": event.pk, "user_id": user_id, "salt": salt.hex(), "data": values})
                for user_id, salt, values in salted
            ]
        except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
            failed.append((row[0], error))
            continue
        event.position, event.commitments = position + 1, commitments
        position, head = event.position, event.hash
        appended.append(event)
        chained.append(chained_row)
        personal += personal_rows
    if appended:
        deliveries = [
            canonical_json({"event_id": event.pk, "consumer": consumer})
            for event in appended
            for consumer in subscriptions.get(event.name, ())
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                APPEND_SQL, [_json_rows(chained), _json_rows(personal), position, head, _json_rows(deliveries)]
            )
    _set_aside(failed)
    return appended


def _json_rows(rows: Iterable[bytes]) -> str:
    return f"[{b','.join(rows).decode()}]"


def _set_aside(failed: Iterable[tuple[int, Exception]]) -> None:
    """Mark events that cannot be appended; the admin shows them, and /health counts them."""
    for event_id, error in failed:
        log.error("event_not_appended", event_id=event_id, reason=type(error).__name__)
        Event.objects.filter(pk=event_id).update(append_error=storable_error(error))


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
