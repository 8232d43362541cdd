"""Connections of the pool while the database is away: none is dead when it is taken, and nobody waits in vain.

Invariant: once no connection could be opened, one thread at a time tries, and all others fail at once. The first
success ends that, so full service is back as soon as the database is.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
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
    is_prober = _probing.acquire(blocking=False)
    try:
        if not is_prober or not _breaker.allows_call():
            raise psycopg.OperationalError("The database could not be reached a moment ago.")
        try:
            connect().close()
        except psycopg.Error:
            _breaker.record_failure()
            raise
        log.warning("database_back")
        _breaker.record_success()
    finally:
        if is_prober:
            _probing.release()


def is_away() -> bool:
    return _breaker.is_open


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
