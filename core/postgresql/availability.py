"""Connections of the pool while the database is away: none is dead when it is taken, and nobody waits in vain.

Invariant: once no connection can be opened, or the server stops answering, a thread of its own tries until one can be
opened, and all requests fail at once. So full service is back as soon as the database is, and no request is the one that
has to find out.

A server that hangs (a frozen machine or process) closes no connection and sends no error, and its statement_timeout hangs
with it. So a statement without an answer for DATABASE_PROBE_AFTER seconds makes its process open another connection. If
that gets no answer in the same time, the server counts as away, and what waits for it ends with a lost connection. A
statement that is merely slow goes on.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import psycopg
import structlog
from django.conf import settings
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

# Seconds between two attempts to reach a database that is away.
PROBE_INTERVAL = 0.2
# How often the connections are looked at, as a share of DATABASE_PROBE_AFTER.
WATCH_SHARE = 0.1
log = structlog.get_logger(__name__)
_lock = threading.Lock()
_is_away = threading.Event()
_connections: WeakSet[WatchedConnection] = WeakSet()
_watchdog: threading.Thread | None = None


class WatchedConnection(psycopg.Connection[Any]):
    """A connection on which no thread waits for ever for a server that hangs."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        global _watchdog  # noqa: PLW0603 -- one for each process
        with _lock:
            _connections.add(self)
            if _watchdog is None:
                _watchdog = threading.Thread(target=_watch, name="database-watchdog", daemon=True)
                _watchdog.start()


def _forget_threads() -> None:
    """Forget the threads and connections of the parent process, in a fork."""
    global _lock, _watchdog
    _lock, _watchdog = threading.Lock(), None
    _connections.clear()
    _is_away.clear()


os.register_at_fork(after_in_child=_forget_threads)


def _watch() -> None:
    """Ask for an answer whenever a connection is active for so long.

    A statement may have none. It may have been several statements: the question does no harm.
    """
    active_since: dict[WatchedConnection, float] = {}
    while threading.current_thread() is _watchdog:
        timeout = settings.DATABASE_PROBE_AFTER
        time.sleep(timeout * WATCH_SHARE)
        with _lock:
            active = [connection for connection in _connections if _is_active(connection)]
        now = time.monotonic()
        active_since = {connection: active_since.get(connection, now) for connection in active}
        waiting = [connection for connection, since in active_since.items() if now - since >= timeout]
        # Each connection of a pool knows it. A process has one pool.
        if waiting and (_is_away.is_set() or not _answers(waiting[0]._pool, timeout)):
            for connection in filter(_is_active, waiting):
                _disconnect(connection)
        elif waiting:
            # The server answers, so these statements are slow, or wait for a row.
            time.sleep(timeout)


def _is_active(connection: WatchedConnection) -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.ACTIVE


def _disconnect(connection: WatchedConnection) -> None:
    """End the wait of a thread, for which it becomes an OperationalError."""
    log.warning("database_connection_abandoned")
    with suppress(OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def _answers(pool: Any, seconds: float) -> bool:
    """Return whether the server answers a new connection in time; if not, note that it is away."""
    is_reachable = threading.Event()

    def probe() -> None:
        try:
            _connect(pool)
        except psycopg.errors.ConnectionTimeout:
            return
        except psycopg.Error:
            pass  # a refusal is an answer too
        is_reachable.set()

    threading.Thread(target=probe, name="database-probe", daemon=True).start()
    if is_reachable.wait(seconds):
        return True
    _note_away(pool)
    return False


def on_reconnect_failed(pool: ConnectionPool[Any]) -> None:
    """Note that a connection could not be opened; the pool calls this."""
    # Where others are left, they are shared: the server has too few connections, and is not away.
    if not pool.get_stats()["pool_size"]:
        _note_away(pool)


def _note_away(pool: ConnectionPool[Any]) -> None:
    with _lock:
        if _is_away.is_set():
            return
        _is_away.set()
    log.warning("database_away")
    threading.Thread(target=_wait_for_database, args=(pool,), daemon=True).start()


def _wait_for_database(pool: ConnectionPool[Any]) -> None:
    """Connect until it succeeds, or the pool is closed because the process ends."""
    while not pool.closed:
        try:
            _connect(pool)
        except psycopg.Error:
            time.sleep(PROBE_INTERVAL)
        else:
            log.warning("database_back")
            break
    _is_away.clear()


def _connect(pool: ConnectionPool[Any]) -> None:
    """Open a connection with the parameters of the pool, and close it. Raises psycopg.Error."""
    parameters: Any = pool.kwargs
    psycopg.connect(str(pool.conninfo), **parameters).close()


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
