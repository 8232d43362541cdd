"""Connections of the pool while the database is away: none is dead when it is taken, and nobody waits in vain.

Invariant: once no connection could be opened, one thread at a time tries, and all others fail at once. The first
success ends that, so full service is back as soon as the database is.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from core.circuit_breaker import CircuitBreaker

# Seconds between two attempts to reach a database that is away.
PROBE_INTERVAL = 0.1
log = structlog.get_logger(__name__)
_breaker = CircuitBreaker(max_failures=1, pause=PROBE_INTERVAL)
_probing = threading.Lock()


def on_reconnect_failed(pool: ConnectionPool[Any]) -> None:
    """Note that a connection could not be opened; the pool calls this."""
    # Where others are left, they are shared: the server has too few connections, and is not away.
    if pool.get_stats()["pool_size"] == 0:
        log.warning("database_away")
        _breaker.record_failure()


def require_reachable(connect: Callable[[], Any]) -> None:
    """Raise psycopg.OperationalError while the database is away; one caller at a time tries."""
    with _only_one() as is_prober:
        if not is_prober or not _breaker.allows_call():
            raise psycopg.OperationalError("The database could not be reached a moment ago.")
        try:
            connect().close()
        except psycopg.Error:
            _breaker.record_failure()
            raise
        log.warning("database_back")
        _breaker.record_success()


def is_away() -> bool:
    return _breaker.is_open


@contextmanager
def _only_one() -> Iterator[bool]:
    """Yield whether this thread is the only one inside."""
    is_only = _probing.acquire(blocking=False)
    try:
        yield is_only
    finally:
        if is_only:
            _probing.release()


def is_dead(connection: Any) -> bool:
    """Return whether the server closed an idle connection, without a round trip."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if not poll.poll(0):
        return False
    # Nothing comes from the server while nobody asks, except that it ends the connection; so now a round trip decides.
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return True
    return False
