"""The query wrapper of all statements: slow ones are logged, dead connections replaced, rows locked for long left alone.

One thread of a process waits for rows that somebody holds for long, and others are refused at once. Otherwise all
requests for one locked project would wait in turn for `lock_timeout`, each on a thread that the rest of the site needs.
Two statements wait for the same rows where text and parameters are the same.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from prometheus_client import Counter
from psycopg.errors import LockNotAvailable

LOCKING_STATEMENT = re.compile(r"\s*UPDATE|.*FOR (NO KEY )?UPDATE", re.DOTALL)
# Seconds. A statement that has run for so long keeps the next ones from waiting too; ordinary writers take turns faster.
LONG_WAIT = 1.0
# Seconds after a wait in vain for which only one statement at a time may try.
LOCKED_ROWS_TTL = 5.0
MAX_LOCKED_ROWS = 1000
MAX_SQL_LENGTH = 500
SLOW_QUERIES = Counter("database_slow_queries", "Statements that took longer than SLOW_QUERY_MS.")
log = structlog.get_logger(__name__)
_lock = threading.Lock()
# The locking statements that run now, by text and parameters: when each of them began.
_running: dict[str, list[float]] = {}
_locked_until: dict[str, float] = {}


def run_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement. Raises OperationalError where another one waits for the same rows already.

    The cause is LockNotAvailable then, as after PostgreSQL's own `lock_timeout`.
    """
    started_at = time.monotonic()
    text = str(sql)  # it may be a composed statement of psycopg
    # SKIP LOCKED waits for no row, so a claim that takes long says nothing about the next one.
    waits_for_rows = LOCKING_STATEMENT.match(text) and "SKIP LOCKED" not in text
    key = f"{text} {params!r}" if waits_for_rows and not many else ""
    if key:
        with _lock:
            running = _running.setdefault(key, [])
            is_locked = started_at < _locked_until.get(key, 0)
            if running and (is_locked or started_at - running[0] > LONG_WAIT):
                raise OperationalError("Another request waits for these rows.") from LockNotAvailable()
            running.append(started_at)
    try:
        result = execute(sql, params, many, context)
        _locked_until.pop(key, None)
        return result
    except (OperationalError, InterfaceError) as error:
        if key and isinstance(error.__cause__, LockNotAvailable):
            with _lock:
                if len(_locked_until) >= MAX_LOCKED_ROWS:
                    _locked_until.clear()
                _locked_until[key] = time.monotonic() + LOCKED_ROWS_TTL
        connection = context["connection"]
        if not _is_repeatable(text, connection):
            raise
        connection.close()
        connection.ensure_connection()
        context["cursor"].cursor = connection.create_cursor()
        return execute(sql, params, many, context)
    finally:
        if key:
            with _lock:
                running.remove(started_at)
                if not running:
                    _running.pop(key, None)
        milliseconds = (time.monotonic() - started_at) * 1000
        if milliseconds > settings.SLOW_QUERY_MS:
            SLOW_QUERIES.inc()
            # Values may be private and are left out.
            log.warning("slow_query", duration_ms=round(milliseconds, 1), sql=text[:MAX_SQL_LENGTH])


def _is_repeatable(sql: str, connection: Any) -> bool:
    """Return whether a read failed because its connection died, losing nothing else.

    Outside a transaction that is so: it was the first statement of a request, or reads the response to a write that is
    committed already, which must not be answered with an error.
    """
    is_read = sql.lstrip("( ")[:6].upper() == "SELECT" and not connection.in_atomic_block
    return is_read and connection.connection is not None and bool(connection.connection.closed)
