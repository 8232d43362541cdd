"""Archive of old events: whole stretches of the log in compressed files, from its beginning.

A file has a line of JSON for each event, with its position, hash and commitments, so `audit verify` computes the same
chain across files and table. Personal values are not in the files: they stay in PersonalData, where erasing a user
finds them. A stretch is written, read back and deleted from the table in one transaction; a run that was interrupted
goes on where the last one ended.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, transaction
from django.db.models import Q

from core.db import advisory_lock
from events.hash_chain import HASHED_COLUMNS, chain_hash
from events.models import FIRST_HASH, ArchivedEvents, Delivery, Event

# The ASCII codes of "arch".
ARCHIVE_LOCK = 0x61726368
SEGMENT_SIZE = 5_000
MIN_ARCHIVE_AGE = timedelta(days=30)
LOG_SQL = f"""
SELECT position, hash, {HASHED_COLUMNS}, commitments
FROM events_event WHERE position > %s AND position <= %s ORDER BY position
"""  # noqa: S608 -- a constant
RESTORE_SQL = """
INSERT INTO events_event (position, hash, id, name, version, actor_id, subject_type, subject_id, payload, occurred_at,
    commitments, append_error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, timestamptz 'epoch' + %s * interval '1 microsecond', %s::jsonb, '')
"""
UNREADABLE = (OSError, EOFError, ValueError, zlib.error)
# Position, hash, and the fields of HashedEvent.
Row = list[Any]
Progress = Callable[[ArchivedEvents], None]


class ArchiveError(Exception):
    """A stretch that cannot be archived or restored; the log and the files stay as they are."""


def archive(*, before: datetime, progress: Progress = lambda segment: None) -> int | None:
    """Move the events before an instant into files, a stretch per transaction; return how many.

    Ends before the first event that is younger, or that a consumer still waits for. None while another process
    archives. Raises ArchiveError where the log does not hold.
    """
    with advisory_lock(ARCHIVE_LOCK) as acquired:
        if not acquired:
            return None
        count = 0
        while segment := _archive_segment(before):
            count += segment.event_count
            progress(segment)
        return count


def restore(*, segments: int | None = None, progress: Progress = lambda segment: None) -> int | None:
    """Bring archived events back, the newest file first, so that the rest has no gap.

    Returns how many; None while another process archives. Raises ArchiveError for a file that does not hold.
    """
    with advisory_lock(ARCHIVE_LOCK) as acquired:
        if not acquired:
            return None
        count = 0
        for segment in list(ArchivedEvents.objects.order_by("-first_position")[:segments]):
            name, pk = segment.file_name, segment.pk
            with transaction.atomic():
                rows = read_verified(segment)
                with connection.cursor() as cursor:
                    cursor.executemany(RESTORE_SQL, [_insert_values(row) for row in rows])
                segment.delete()
            # After the commit: until then the file is the only copy.
            storages["event_archive"].delete(name)
            segment.pk = pk
            count += segment.event_count
            progress(segment)
        return count


def read_rows(*, after: int = 0) -> Iterator[Row]:
    """Yield the archived events behind a position. Raises one of UNREADABLE for a broken file."""
    for segment in ArchivedEvents.objects.filter(last_position__gt=after).order_by("first_position"):
        yield from (row for row in _read_file(segment.file_name) if row[0] > after)


def read_verified(segment: ArchivedEvents) -> list[Row]:
    """Return the events of a file. Raises ArchiveError unless they follow from each other as they did."""
    try:
        rows = list(_read_file(segment.file_name))
    except UNREADABLE as error:
        raise ArchiveError(f"{segment.file_name} cannot be read: {error}") from error
    previous = segment.previous_hash
    for position, row in enumerate(rows, start=segment.first_position):
        if row[0] != position or row[1] != chain_hash(previous, tuple(row[2:])):
            raise ArchiveError(f"{segment.file_name} was changed at position {position}.")
        previous = row[1]
    if len(rows) != segment.event_count or previous != segment.last_hash:
        raise ArchiveError(f"{segment.file_name} is not complete.")
    return rows


def _archive_segment(before: datetime) -> ArchivedEvents | None:
    """Move the next stretch of the log into a file; None at the end of what may be archived."""
    last = ArchivedEvents.objects.order_by("-last_position").first()
    start, previous = (last.last_position, last.last_hash) if last else (0, FIRST_HASH)
    with transaction.atomic():
        end = start + SEGMENT_SIZE
        waiting = Q(deliveries__state__in=[Delivery.State.PENDING, Delivery.State.DEAD])
        excluded = Event.objects.filter(Q(occurred_at__gte=before) | waiting, position__gt=start, position__lte=end)
        if (first_excluded := excluded.order_by("position").values_list("position", flat=True).first()) is not None:
            end = first_excluded - 1
        with connection.cursor() as cursor:
            cursor.execute(LOG_SQL, [start, end])
            rows = [[*row[:8], orjson.loads(row[8]), row[9], _object(row[10])] for row in cursor.fetchall()]
        if not rows:
            return None
        # A log that does not hold is evidence, and stays as it is.
        first = previous
        for position, row in enumerate(rows, start=start + 1):
            if row[0] != position or row[1] != chain_hash(first, tuple(row[2:])):
                raise ArchiveError(f"The log was changed at position {position}; see `manage.py audit verify`.")
            first = row[1]
        segment = ArchivedEvents(
            first_position=start + 1,
            last_position=rows[-1][0],
            previous_hash=previous,
            last_hash=rows[-1][1],
            event_count=len(rows),
            last_occurred_at=Event.objects.get(position=rows[-1][0]).occurred_at,
        )
        segment.file_name, segment.sha256 = _write_file(segment, rows)
        read_verified(segment)
        ids = [row[2] for row in rows]
        with connection.cursor() as cursor:
            # The trigger lets go of archived events only, and for this transaction only.
            cursor.execute("SET LOCAL taskflow.archiving = 'on'")
            cursor.execute("DELETE FROM events_delivery WHERE event_id = ANY(%s)", [ids])
            cursor.execute("DELETE FROM events_event WHERE id = ANY(%s)", [ids])
            cursor.execute("SET LOCAL taskflow.archiving = 'off'")
        segment.save(force_insert=True)
    return segment


def _write_file(segment: ArchivedEvents, rows: list[Row]) -> tuple[str, str]:
    """Write a file, over one that an interrupted run left behind; return its name and its digest."""
    buffer = io.BytesIO()
    # Without a time, so that the same events make the same file.
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in rows)
    storage, name = storages["event_archive"], f"events-{segment.first_position:012d}.jsonl.gz"
    storage.delete(name)
    return storage.save(name, ContentFile(buffer.getvalue())), hashlib.sha256(buffer.getvalue()).hexdigest()


def _read_file(name: str) -> Iterator[Row]:
    with storages["event_archive"].open(name) as file, gzip.GzipFile(fileobj=file, mode="rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            if not isinstance(row, list) or len(row) != 11:
                raise ValueError("a line is not an event")
            yield row


def _object(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


def _insert_values(row: Row) -> list[Any]:
    return [*row[:8], orjson.dumps(row[8]).decode(), row[9], orjson.dumps(row[10]).decode()]
