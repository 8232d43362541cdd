"""Changes of the event log that a superuser of the database can make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from django.db import connection

from events.hash_chain import HASHED_COLUMNS, HashedEvent, chain_hash
from events.models import Event, LogHead


@contextmanager
def superuser() -> Iterator[None]:
    """Suspend the triggers for the block."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def rehash(start: int) -> None:
    """Compute the log anew from a position on, and move its head."""
    before = Event.objects.filter(position__lt=start).order_by("position").last()
    position, head = (before.position or 0, before.hash) if before else (0, "0" * 64)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {HASHED_COLUMNS}, commitments::text FROM events_event WHERE position >= %s ORDER BY position",  # noqa: S608
            [start],
        )
        rows = cursor.fetchall()
    for row in rows:
        position += 1
        event = HashedEvent._make((*row[:6], orjson.loads(row[6]), row[7], orjson.loads(row[8])))
        head = chain_hash(head, event)
        Event.objects.filter(pk=event.id).update(position=position, hash=head)
    LogHead.objects.filter(pk=1).update(position=position, hash=head)
