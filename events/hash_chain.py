"""The hash chain of the event log: each hash covers the one before, so a changed event is noticed."""

import orjson

from core.security.hashing import sha256_hex
from events.models import Event


def canonical_json(event: Event) -> bytes:
    """Return the bytes of an event that are hashed: keys sorted, no spaces."""
    content = {
        "id": event.pk,
        "name": event.name,
        "version": event.version,
        "actor_id": event.actor_id,
        "subject": [event.subject_type, event.subject_id],
        "payload": event.payload,
        "occurred_at": event.occurred_at,
    }
    # The same bytes on every machine and in every version, or the chain could not be checked later.
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def chain_hash(previous: str, event: Event) -> str:
    return sha256_hex(previous.encode() + canonical_json(event))
