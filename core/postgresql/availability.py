"""Connections of the pool while the database is away: none is dead when it is taken, and nobody waits in vain.

Invariant: once no connection can be opened, a thread of its own tries until one can, and all requests fail at once. So
full service is back as soon as the database is, and no request is the one that has to find out.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any

import psycopg
import structlog
from psycopg_pool import ConnectionPool

# Seconds between two attempts to reach a database that is away.
PROBE_INTERVAL = 0.2
log = structlog.get_logger(__name__)
_lock = threading.Lock()
_is_away = threading.Event()


def on_reconnect_failed(pool: ConnectionPool[Any]) -> None:
    """Note that a connection could not be opened; the pool calls this."""
    # Where others are left, they are shared: the server has too few connections, and is not away.
    if pool.get_stats()["pool_size"]:
        return
    with _lock:
        if _is_away.is_set():
            return
        _is_away.set()
    log.warning("database_away")
    threading.Thread(target=_wait_for_database, args=(pool,), daemon=True).start()


def _wait_for_database(pool: ConnectionPool[Any]) -> None:
    """Connect until it succeeds, or the pool is closed because the process ends."""
    parameters: Any = pool.kwargs
    while not pool.closed:
        try:
            psycopg.connect(str(pool.conninfo), **parameters).close()
        except psycopg.Error:
            time.sleep(PROBE_INTERVAL)
        else:
            log.warning("database_back")
            break
    _is_away.clear()


def require_reachable() -> None:
    """Raise psycopg.OperationalError while the database is away."""
    if _is_away.is_set():
        raise psycopg.OperationalError("The database could not be reached a moment ago.")


def is_dead(connection: Any) -> bool:
    """Return whether the server has closed an idle connection, without a round trip."""
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
