"""Idempotent forms of pages: a form that is sent twice is one write.

`{% idempotency_key %}` puts a random key into each rendered form. The response is stored in the transaction of the write,
so a crash leaves either both or neither. A double click, a second Enter or a reload sends the same key with the same
fields and gets the stored response; other fields are another write. Responses with an error are not stored, and what a
view recorded of a refusal stays. The forms of anonymous users are bound to their browser by its CSRF cookie. A stored
response never signs anyone in; views that check a credential are declared `idempotent=False`, so that each attempt counts.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.contrib import messages
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext
from psycopg.errors import LockNotAvailable

from core.api.endpoints import endpoint_of
from core.api.idempotency import ENCRYPTION_PURPOSE, REPLAYED_HEADER, RETENTION
from core.clock import current_time
from core.db import refusable_transaction
from core.errors import TransientConflict
from core.models import IdempotencyRecord
from core.security.encryption import decrypt, encrypt
from core.serialization import dumps

FIELD = "idempotency_key"
# Owner of the records of forms that anonymous users sent.
ANONYMOUS_ID = uuid.UUID(int=0)
# Not part of a form's content: the same form has other tokens after the user signed in again.
TOKENS = {FIELD, "csrfmiddlewaretoken"}
STORED_HEADERS = ("Location", "Content-Type", "Cache-Control", "HX-Trigger")
# A second request waits for the first one at most this long, since it holds a thread.
LOCK_TIMEOUT_MS = 10_000
_KEY_PATTERN = re.compile(r"[0-9a-zA-Z-]{16,64}")


def make_idempotent(patterns: list[URLPattern | URLResolver]) -> None:
    """Make the forms of all views of these URL patterns idempotent, except views with `idempotent=False`."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            make_idempotent(pattern.url_patterns)
        elif endpoint_of(pattern.callback).idempotent and not hasattr(pattern.callback, "is_idempotent"):
            pattern.callback = idempotent_form(pattern.callback)


def idempotent_form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a page view, so that a form sent twice is processed once."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or not _KEY_PATTERN.fullmatch(request.POST.get(FIELD, "")):
            return view(request, *args, **kwargs)
        with refusable_transaction():
            return _run_once(view, request, *args, **kwargs)

    wrapper.is_idempotent = True  # type: ignore[attr-defined]  # so that no view is decorated twice
    return wrapper


def mark_unfinished(response: HttpResponse) -> HttpResponse:
    """Mark a redirect that asks for something first; the same form is sent again after that."""
    response.is_unfinished = True  # type: ignore[attr-defined]
    return response


def _run_once(view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    digest = _digest(request)
    # A view may sign in or out; the record belongs to the user who sent the form.
    user_id: Any = request.user.pk or ANONYMOUS_ID
    _wait_for_lock(int(digest[:15], 16))
    records = IdempotencyRecord.objects.filter(user_id=user_id, key=f"form:{digest}")
    if record := records.first():
        if record.created_at >= current_time() - RETENTION:
            body = orjson.loads(decrypt(bytes(record.body).decode(), purpose=ENCRYPTION_PURPOSE))
            response = HttpResponse(body["content"], status=record.status, headers=record.headers)
            response[REPLAYED_HEADER] = "true"
            _requeue_messages(request, body["messages"])
            return response
        record.delete()
    response = view(request, *args, **kwargs)
    if isinstance(response, SimpleTemplateResponse):
        response.render()  # the pages of Django's admin
    if response.status_code < 400 and not response.streaming and not hasattr(response, "is_unfinished"):
        # The next page shows the messages of a redirect, whose cookie is lost when the browser gives up its response.
        pending = _requeue_messages(request, []) if "Location" in response else []
        content = dumps({"content": response.content.decode(), "messages": pending})
        IdempotencyRecord.objects.create(
            user_id=user_id,
            key=f"form:{digest}",
            fingerprint=digest,
            status=response.status_code,
            headers={name: response[name] for name in STORED_HEADERS if name in response},
            # A page may hold a secret, such as a new API key.
            body=encrypt(content.decode(), purpose=ENCRYPTION_PURPOSE).encode(),
            created_at=current_time(),
        )
    return response


def _wait_for_lock(number: int) -> None:
    """Take an advisory lock for the transaction. Raises TransientConflict after LOCK_TIMEOUT_MS."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        [previous] = cursor.fetchone()
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])
        try:
            # A concurrent request is waited for, because its response is this one's as well.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise TransientConflict(
                    gettext("The form is still being saved. Reload the page to see the result.")
                ) from error
            raise
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [previous])


def _digest(request: HttpRequest) -> str:
    """Return a digest of path and content. The random key keeps a password in it from being guessed."""
    sender = request.user.pk or f"anonymous {request.META.get('CSRF_COOKIE', '')}"
    digest = hashlib.sha256(f"{request.POST[FIELD]}\n{sender}\n{request.get_full_path()}\n".encode())
    digest.update(dumps(sorted((name, values) for name, values in request.POST.lists() if name not in TOKENS)))
    for name in sorted(request.FILES):
        digest.update(name.encode())
        for file in request.FILES.getlist(name):
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()


def _requeue_messages(request: HttpRequest, added: list[list[Any]]) -> list[list[Any]]:
    """Queue the pending and the added messages, each once, and return them."""
    pending = [[item.level, str(item.message), item.extra_tags] for item in messages.get_messages(request)]
    queued = pending + [item for item in added if item not in pending]
    for level, text, extra_tags in queued:
        messages.add_message(request, level, text, extra_tags=extra_tags or "")
    return queued
