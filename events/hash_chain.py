"""The hash chain of the event log: each hash covers the one before, so a changed event is noticed."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

# RFC 2104, section 2: the key is padded to the block of SHA-256, and each of its bytes XORed with a constant.
BLOCK_SIZE = 64
INNER_PAD, OUTER_PAD = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class HashedEvent(NamedTuple):
    """Fields that the hash of an event covers. `payload` has no personal values; `commitments` stand for them."""

    id: int
    name: str
    version: int
    actor_id: str | None
    subject_type: str
    subject_id: str
    payload: dict[str, Any]
    occurred_at: int  # microseconds since 1970
    commitments: dict[str, str]


# The columns of HashedEvent, as text where psycopg would build objects that are only written down again.
HASHED_COLUMNS = """id, name, version, actor_id::text, subject_type, subject_id::text, payload::text,
    (extract(epoch FROM occurred_at) * 1000000)::bigint"""


def canonical_json(value: Any) -> bytes:
    """Return the bytes that are hashed: keys sorted, no spaces.

    Raises TypeError for an integer beyond 64 bits, a lone surrogate and a value nested deeper than orjson's limit.
    """
    # The same bytes on every machine and in every version, or the chain could not be checked later.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def chain_hash(previous: str, event: tuple[Any, ...]) -> str:
    """Return the hash of an event, given as the fields of HashedEvent; `previous` is the hash before it."""
    return hashlib.sha256(previous.encode() + canonical_json(tuple(event))).hexdigest()


def commitment(salt: bytes, values: Any) -> str:
    """Return the commitment to values: HMAC-SHA256 (RFC 2104) with a random salt, which keeps them from being guessed."""
    # By hand, because hmac.digest() looks up the algorithm each time, and `audit verify` calls this for each event.
    key = salt.ljust(BLOCK_SIZE, b"\0")
    inner = hashlib.sha256(key.translate(INNER_PAD) + canonical_json(values)).digest()
    return hashlib.sha256(key.translate(OUTER_PAD) + inner).hexdigest()
