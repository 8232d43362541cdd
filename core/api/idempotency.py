"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is sent again is answered, not done again.

The answer is stored in the transaction of the write, so a crash leaves either both or neither. A key belongs to its
caller, not to a token. The same key with another request is a 422; one that is still being worked on is a 409.
Refusals are not stored: a corrected request may use its key again. An answer with a secret in it is kept sealed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

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
    title = "A request with this Idempotency-Key is being worked on"
    retry_after = 1


def parse_key(request: Request) -> str | None:
    """Return the key, quoted as the draft has it or bare; raises Invalid for what is neither."""
    header = request.headers.get(KEY_HEADER)
    if header is None:
        return None
    found = _KEY_PATTERN.fullmatch(header.strip())
    if found is None:
        raise Invalid.field(KEY_HEADER, "Send 1 to 255 visible ASCII characters, best in double quotes.")
    return found[1] or found[2]


@transaction.atomic
def run_idempotent(
    key: str, handler: Callable[..., HttpResponse], encrypted: bool, request: Request, *args: Any, **kwargs: Any
) -> HttpResponse:
    """Answer from the record of this key, or do the work and record its answer, all in one transaction."""
    user_id: Any = request.user.pk
    fingerprint = request_fingerprint(request)
    if not _try_lock(f"{user_id}:{key}"):
        raise InProgress
    record = _get_record(user_id, key)
    if record is not None and record.created_at < timezone.now() - RETENTION:
        record.delete()
        record = None
    if record is not None:
        return _replay(record, fingerprint, encrypted=encrypted)
    answer = handler(request, *args, **kwargs)
    kept = IdempotencyRecord(
        user_id=user_id,
        key=key,
        fingerprint=fingerprint,
        status=answer.status_code,
        headers={name: answer[name] for name in STORED_HEADERS if name in answer},
        body=_encrypt(_response_body(answer)) if encrypted else _response_body(answer),
    )
    insert_all(IdempotencyRecord, [kept])
    return answer


def _get_record(user_id: Any, key: str) -> IdempotencyRecord | None:
    found = _record_statement().run({"user_id": user_id, "key": key})
    return from_row(IdempotencyRecord, found[0]) if found else None


@lru_cache(maxsize=1)
def _record_statement() -> Statement:
    rows = IdempotencyRecord.objects.filter(user_id=Param("user_id"), key=Param("key"))
    return Statement.always(rows.values_list(*select_columns(IdempotencyRecord)))


def _response_body(answer: HttpResponse) -> bytes:
    """What DRF has not rendered yet has its data; what a door wrote itself has its content."""
    if isinstance(answer, Response):
        return b"" if answer.data is None else dumps(answer.data)
    return answer.content


def _encrypt(body: bytes) -> bytes:
    return encrypt(body.decode(), purpose=ENCRYPTION_PURPOSE).encode()


def _decrypt(body: bytes) -> bytes:
    return decrypt(body.decode(), purpose=ENCRYPTION_PURPOSE).encode()


def _try_lock(name: str) -> bool:
    """Take the key until the end of the transaction; False when somebody else is at it."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def request_fingerprint(request: Request) -> str:
    """Return a digest of path and content; files count by their bytes, not by the boundary of the form."""
    digest = hashlib.blake2b(f"{request.method} {request.get_full_path()}\n".encode(), digest_size=32)
    files = request.FILES
    sent: Any = request.data
    digest.update(dumps({name: value for name, value in sent.items() if name not in files}))
    for name in sorted(files):
        digest.update(name.encode())
        digest.update(files[name].read())
        files[name].seek(0)
    return digest.hexdigest()


def _replay(record: IdempotencyRecord, fingerprint: str, *, encrypted: bool) -> HttpResponse:
    if record.fingerprint != fingerprint:
        raise KeyReused
    body = _decrypt(bytes(record.body)) if encrypted else bytes(record.body)
    answer = HttpResponse(body, status=record.status, content_type="application/json")
    for name, value in record.headers.items():
        answer[name] = value
    answer[REPLAYED_HEADER] = "true"
    return answer


def delete_expired(*, now: datetime) -> int:
    """Forget answers older than KEPT; returns how many."""
    removed, _ = IdempotencyRecord.objects.filter(created_at__lt=now - RETENTION).delete()
    return removed
