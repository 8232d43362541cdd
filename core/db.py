"""Time-ordered ids, lookups, translation of database errors, and advisory locks."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import structlog
from django.core.exceptions import PermissionDenied
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.models import Model, QuerySet
from django.http import Http404
from psycopg.errors import (
    DeadlockDetected,
    ForeignKeyViolation,
    LockNotAvailable,
    QueryCanceled,
    SerializationFailure,
)

from core.errors import (
    Busy,
    Conflict,
    DatabaseUnavailable,
    DomainError,
    NotFound,
    QueryTimeout,
    ServiceUnavailable,
    TransientConflict,
)

M = TypeVar("M", bound=Model)
log = structlog.get_logger(__name__)
# By thread, because a lock for each id would cost more than order between threads is worth.
_last_timestamp = threading.local()


def uuid7() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits.

    Ids made by one thread never run backwards within a millisecond: the 12 bits after the version
    hold the fraction of the millisecond (method 3 of section 6.2).
    """
    # One step of the 12-bit fraction is 1 ms / 4096, a little less than 245 ns.
    nanoseconds = max(time.time_ns(), getattr(_last_timestamp, "value", 0) + 245)
    _last_timestamp.value = nanoseconds
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    # Version 7 and variant 2 stand at fixed bits between the parts (RFC 9562, section 4).
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | tail)


def get_or_404(rows: QuerySet[M], message: str) -> M:
    """Return the only row of a queryset; raise NotFound with this message without one."""
    row = rows.first()
    if row is None:
        raise NotFound(message)
    return row


def read_database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def database_now() -> datetime:
    """Return the time by the database's clock, the only one that all processes share.

    Every job takes it: claims, leases, due times and expiry dates must not depend on the clock of the process.
    """
    return read_database_clock()


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that refused the statement, or an empty string."""
    # Django wraps the error of psycopg, which has the name that PostgreSQL reports.
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


RETRYABLE: dict[type[Any], str] = {DeadlockDetected: "deadlock", SerializationFailure: "serialization_failure"}
# SQLSTATE classes (appendix A of PostgreSQL's manual) after which the same request may succeed: connection exceptions,
# insufficient resources, operator intervention, system errors.
OUTAGE_CLASSES = ("08", "53", "57", "58")
# A read-only transaction (a server that was demoted), and a transaction that was idle for too long.
OUTAGE_STATES = ("25006", "25P03")
# What Django says when a block goes on after its connection was lost.
LOST_CONNECTION = "Cannot open a new connection in an atomic block."


def translate_db_error(error: Exception) -> Exception:
    """Return the domain error for a lost race or a fault of the database; other errors as they are.

    A foreign key violation: the row referred to was deleted meanwhile. After all others the transaction was rolled back
    as a whole, and the request may be sent again; they are logged, so call this once for each error.
    """
    if isinstance(error, IntegrityError) and isinstance(error.__cause__, ForeignKeyViolation):
        return Conflict(
            "A referenced object was deleted in the meantime. Reload and try again.", code="changed_meanwhile"
        )
    if not isinstance(error, DatabaseError | InterfaceError):
        return error
    if isinstance(error, OperationalError) and isinstance(error.__cause__, tuple(RETRYABLE)):
        # Only the first line: the details of a deadlock name rows and processes.
        log.warning(RETRYABLE[type(error.__cause__)], reason=str(error).partition("\n")[0])
        return TransientConflict("The same data was changed at the same time. Nothing was saved; try again.")
    if (fault := _database_fault(error)) is not None:
        # Without the text of the error, which may hold values and hosts.
        log.warning(fault.code, reason=type(error.__cause__ or error).__name__, sqlstate=_sqlstate(error))
        return fault
    return error


def _sqlstate(error: Exception) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _database_fault(error: Exception) -> ServiceUnavailable | None:
    """Return what a fault of the server or of the connection means; None for errors of the statement itself."""
    state = _sqlstate(error)
    if isinstance(error.__cause__, LockNotAvailable):
        return Busy("The same data is being changed by another request. Nothing was saved; try again.")
    if isinstance(error.__cause__, QueryCanceled):
        return QueryTimeout("The request took too long and was stopped. Nothing was saved; try again.")
    # Without a state the error comes from this side: no connection, a broken one, or none free in the pool.
    is_broken = not state and (
        isinstance(error, OperationalError)
        or (isinstance(error, InterfaceError) and "connection" in str(error))
        or (isinstance(error, ProgrammingError) and str(error) == LOST_CONNECTION)
    )
    if is_broken or state.startswith(OUTAGE_CLASSES) or state in OUTAGE_STATES:
        return DatabaseUnavailable("The database can't be used at the moment. Try again shortly.")
    return None


@contextmanager
def statement_timeout(seconds: int, message: str) -> Iterator[None]:
    """Let PostgreSQL cancel statements of the block that take longer. Raises QueryTimeout with the message."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Local to the transaction, so that the pool's next user of the connection has its own limit.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds}s"])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise QueryTimeout(message) from error
        raise


@contextmanager
def refusable_transaction() -> Iterator[None]:
    """Run the block in a transaction that a refusal commits and other errors roll back.

    Services write in blocks of their own, so a refusal has undone what it must. What they recorded of it, such as a
    failed attempt, stays, as it does in a request without a surrounding transaction.
    """
    committed_error: Exception | None = None
    with transaction.atomic():
        try:
            yield
        except ServiceUnavailable:
            raise
        except (DomainError, Http404, PermissionDenied) as error:
            committed_error = error
    if committed_error is not None:
        raise committed_error


@contextmanager
def advisory_lock(key: int) -> Iterator[bool]:
    """Try to take a session-level PostgreSQL advisory lock for the block; yield whether it was acquired."""
    with connection.cursor() as cursor:
        # try: who does not get it does something else instead of waiting.
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_acquired = bool(cursor.fetchone()[0])
    try:
        yield is_acquired
    finally:
        if is_acquired:
            # The lock belongs to the database session, so it outlives the transaction, and a connection that goes back
            # to the pool would keep it. A lost connection has released it; the original error is more useful then.
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
