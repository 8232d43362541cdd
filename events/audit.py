"""Audit of the event log: recompute all hashes, and compare them with heads that were stored elsewhere.

The hashes alone prove that the log is consistent. Someone who may write to the database as its owner can recompute
them; a head that was stored elsewhere finds that, up to its position.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from django.db import connection

from events import archive
from events.hash_chain import HASHED_COLUMNS, chain_hash, commitment
from events.models import FIRST_HASH, Event, LogHead
from events.redaction import USER_ERASED

BATCH_SIZE = 5000
LOG_SQL = f"""
SELECT position, hash, {HASHED_COLUMNS}, commitments::text
FROM events_event WHERE position > %s AND position <= %s ORDER BY position LIMIT %s
"""  # noqa: S608 -- a constant
PERSONAL_SQL = """
SELECT event_id, user_id::text, salt, data::text
FROM events_personaldata AS personal JOIN events_event AS event ON event.id = personal.event_id
WHERE position > %s AND position <= %s
"""
PERSONAL_OF_EVENTS_SQL = """
SELECT event_id, user_id::text, salt, data::text FROM events_personaldata WHERE event_id = ANY(%s)
"""
Personal = dict[int, dict[str, tuple[bytes, str]]]
NO_PARTS: dict[str, tuple[bytes, str]] = {}


@dataclass(frozen=True, slots=True)
class AuditResult:
    """`invalid_position` is the first position that does not hold; None for a valid log.

    `differs_from_stored_head`: the hashes follow from each other, but a head that was stored says otherwise. `erased` counts
    the personal data that were erased, by event and user.
    """

    events: int
    head: str
    erased: int = 0
    invalid_position: int | None = None
    differs_from_stored_head: bool = False


def read_head() -> dict[str, Any]:
    """Return the end of the log, to be stored elsewhere."""
    head = LogHead.objects.filter(pk=1).first() or LogHead()
    return {"position": head.position, "hash": head.hash}


def parse_heads(lines: Iterable[str]) -> dict[int, str]:
    """Return stored heads by position. Raises ValueError for a line that `audit head` did not write."""
    heads: dict[int, str] = {}
    for line in filter(None, map(str.strip, lines)):
        try:
            head = json.loads(line)
            position, digest = head["position"], head["hash"]
            if not (isinstance(position, int) and position >= 0 and isinstance(digest, str) and len(digest) == 64):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"This is not a head of the event log: {line[:100]}") from None
        if heads.setdefault(position, digest) != digest:
            raise ValueError(f"There are two different heads at position {position}.")
    return heads


def verify(stored_heads: Mapping[int, str] | None = None) -> AuditResult:
    """Verify the log from its beginning, one batch in memory at a time.

    The head is read first, so events that are appended meanwhile do not matter, and a missing end does.
    """
    stored = dict(stored_heads or {})
    end = LogHead.objects.filter(pk=1).first() or LogHead()
    erasures = Event.objects.filter(name=USER_ERASED, position__isnull=False)
    erased_ids = {str(user_id) for user_id in erasures.values_list("subject_id", flat=True)}
    erased_ids |= {row[7] for row in _readable_rows() if row[3] == USER_ERASED}
    previous, position, erased = FIRST_HASH, 0, 0
    if stored.pop(0, FIRST_HASH) != FIRST_HASH:
        return AuditResult(0, previous, invalid_position=0, differs_from_stored_head=True)
    for rows, personal in _batches(end.position):
        # Plain tuples and no call for a row that is not needed: a log has millions of them.
        for row_position, row_hash, *hashed, occurred_at, commitments_json in rows:
            try:
                payload, commitments = orjson.loads(hashed[6]), orjson.loads(commitments_json)
            except ValueError:
                return AuditResult(position, previous, erased, invalid_position=position + 1)
            hashed[6] = payload
            parts = personal.get(hashed[0], NO_PARTS)
            if (
                row_position != position + 1
                or type(payload) is not dict
                or type(commitments) is not dict
                or row_hash != chain_hash(previous, (*hashed, occurred_at, commitments))
                or not _commitments_hold(commitments, parts, erased_ids)
            ):
                return AuditResult(position, previous, erased, invalid_position=position + 1)
            position, previous = row_position, row_hash
            erased += len(commitments) - len(parts)
            if position in stored and stored.pop(position) != previous:
                return AuditResult(position, previous, erased, invalid_position=position, differs_from_stored_head=True)
    if (position, previous) != (end.position, end.hash):
        return AuditResult(position, previous, erased, invalid_position=position + 1)
    if stored:  # the log once had more events
        return AuditResult(position, previous, erased, invalid_position=position + 1, differs_from_stored_head=True)
    return AuditResult(position, previous, erased)


def _batches(end: int) -> Iterator[tuple[list[tuple[Any, ...]], Personal]]:
    last = 0
    archived = _readable_rows()
    while batch := list(islice(archived, BATCH_SIZE)):
        rows = [(*row[:8], orjson.dumps(row[8]), row[9], orjson.dumps(row[10])) for row in batch]
        last = batch[-1][0]
        with connection.cursor() as cursor:
            cursor.execute(PERSONAL_OF_EVENTS_SQL, [[row[2] for row in batch]])
            personal = _by_event(cursor.fetchall())
        yield rows, personal
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LOG_SQL, [last, end, BATCH_SIZE])
            rows = cursor.fetchall()
            if not rows:
                return
            cursor.execute(PERSONAL_SQL, [last, rows[-1][0]])
            personal = _by_event(cursor.fetchall())
        yield rows, personal
        last = rows[-1][0]


def _readable_rows() -> Iterator[archive.Row]:
    """Yield archived events up to one that cannot be read; without it, the next one does not follow."""
    with suppress(*archive.UNREADABLE):
        yield from archive.read_rows()


def _by_event(rows: Iterable[tuple[int, str, bytes, str]]) -> Personal:
    personal: Personal = {}
    for event_id, user_id, salt, data in rows:
        personal.setdefault(event_id, {})[user_id] = (salt, data)
    return personal


def _commitments_hold(
    commitments: Mapping[str, str], parts: Mapping[str, tuple[bytes, str]], erased_ids: set[str]
) -> bool:
    """Return whether personal data match their commitments, and only erased users' are missing."""
    if not parts.keys() <= commitments.keys():
        return False
    for user_id, committed in commitments.items():
        if user_id not in parts:
            if user_id not in erased_ids:
                return False
            continue
        salt, data = parts[user_id]
        try:
            if commitment(salt, orjson.loads(data)) != committed:
                return False
        except ValueError:
            return False
    return True
