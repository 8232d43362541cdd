"""Idempotent POST by Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The response is stored in the transaction of the write, so a crash leaves either both or neither. A key belongs to its
user, not to a token. The same key with another request is a 422; one that is still in progress is a 409. Errors are
not stored: a corrected request may use its key again. A response with a secret in it is stored encrypted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from core.clock import current_time
from core.db import refusable_transaction
from core.errors import Conflict, DomainError, Invalid
from core.models import IdempotencyRecord
from core.security.encryption import decrypt, encrypt
from core.serialization import dumps
from core.sql_templates import Param, Statement, from_row, insert_all, select_columns

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
RETENTION = timedelta(hours=24)
STORED_HEADERS = ("ETag", "Location")
ENCRYPTION_PURPOSE = "idempotency"
_KEY_PATTERN = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')


class KeyReused(DomainError):
    status = 422
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"


class InProgress(Conflict):
    code = "idempotency_key_in_flight"
    title = "A request with this Idempotency-Key is in progress"
    retry_after = 1


def parse_key(request: Request) -> str | None:
    """Return the key, quoted as in the draft or bare; None without the header. Raises Invalid."""
    header = request.headers.get(KEY_HEADER)
    if header is None:
        return None
    match = _KEY_PATTERN.fullmatch(header.strip())
    if match is None:
        raise Invalid.field(KEY_HEADER, "Send 1 to 255 visible ASCII characters, best in double quotes.")
    return match[1] or match[2]


@refusable_transaction()
def run_idempotent(
    key: str, handler: Callable[..., HttpResponse], encrypted: bool, request: Request, *args: Any, **kwargs: Any
) -> HttpResponse:
    """Replay the stored response, or run the handler and store its response, in one transaction."""
    user_id: Any = request.user.pk
    fingerprint = request_fingerprint(request)
    # An advisory lock is held until the end of the transaction and leaves no row behind. A request that is still being
    # worked on is refused at once, because waiting for it would hold a thread.
    name = f"{user_id}:{key}"
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise InProgress
    rows = _record_statement().run({"user_id": user_id, "key": key})
    record = from_row(IdempotencyRecord, rows[0]) if rows else None
    if record is not None and record.created_at < current_time() - RETENTION:
        record.delete()
        record = None
    if record is not None:
        if record.fingerprint != fingerprint:
            raise KeyReused
        stored = bytes(record.body)
        if encrypted:
            stored = decrypt(stored.decode(), purpose=ENCRYPTION_PURPOSE).encode()
        replay = HttpResponse(stored, status=record.status, content_type="application/json")
        for header, value in record.headers.items():
            replay[header] = value
        replay[REPLAYED_HEADER] = "true"
        return replay
    response = handler(request, *args, **kwargs)
    body = b""
    if not isinstance(response, Response):
        body = response.content
    elif response.data is not None:  # DRF renders it later; until then it has data only
        body = dumps(response.data)
    record = IdempotencyRecord(
        user_id=user_id,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        headers={name: response[name] for name in STORED_HEADERS if name in response},
        body=encrypt(body.decode(), purpose=ENCRYPTION_PURPOSE).encode() if encrypted else body,
        created_at=current_time(),
    )
    insert_all(IdempotencyRecord, [record])
    return response


@lru_cache(maxsize=1)
def _record_statement() -> Statement:
    rows = IdempotencyRecord.objects.filter(user_id=Param("user_id"), key=Param("key"))
    return Statement.always(rows.values_list(*select_columns(IdempotencyRecord)))


def request_fingerprint(request: Request) -> str:
    """Return a digest of path and content; files count by their bytes, not by the boundary of the form."""
    digest = hashlib.blake2b(f"{request.method} {request.get_full_path()}\n".encode(), digest_size=32)
    files = request.FILES
    data: Any = request.data
    digest.update(dumps({name: value for name, value in data.items() if name not in files}))
    for name in sorted(files):
        digest.update(name.encode())
        for chunk in files[name].chunks():
            digest.update(chunk)
        files[name].seek(0)
    return digest.hexdigest()


def delete_expired(*, now: datetime) -> int:
    """Delete records older than RETENTION; return how many."""
    removed, _ = IdempotencyRecord.objects.filter(created_at__lt=now - RETENTION).delete()
    return removed
