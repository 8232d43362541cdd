"""Metrics of the connection pool, and the log of slow queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from prometheus_client import Counter, Gauge
from psycopg_pool import ConnectionPool

# Seconds. Prometheus asks every 15 s or so; more would only slow down taking a connection.
SAMPLE_INTERVAL = 1.0
MAX_SQL_LENGTH = 500
SLOW_QUERIES = Counter("database_slow_queries", "Statements that took longer than SLOW_QUERY_MS.")
POOL_GAUGES = {
    name: Gauge(f"database_{name}", description, multiprocess_mode="livesum")
    for name, description in {
        "pool_max": "Maximum number of connections of the pools.",
        "pool_size": "Connections that the pools have.",
        "pool_available": "Idle connections.",
        "requests_waiting": "Threads that wait for a connection.",
        "requests_num": "Connections requested since the start.",
        "requests_queued": "Connection requests that had to wait, since the start.",
        "requests_wait_ms": "Milliseconds waited for connections since the start.",
        "requests_errors": "Connection requests that failed since the start.",
    }.items()
}
log = structlog.get_logger(__name__)
_sampled_at = 0.0


def record_pool_stats(pool: ConnectionPool[Any]) -> None:
    """Update the metrics of the pool, at most once in SAMPLE_INTERVAL. Called for every connection taken."""
    global _sampled_at  # noqa: PLW0603 -- the clock of this process's own figures
    now = time.monotonic()
    if now - _sampled_at < SAMPLE_INTERVAL:
        return
    _sampled_at = now
    stats = pool.get_stats()
    for name, gauge in POOL_GAUGES.items():
        # psycopg leaves out the counters that are still zero.
        gauge.set(stats.get(name, 0))


def log_slow_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement and log a slow one (a query wrapper). Values may be private and are left out."""
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        if milliseconds > settings.SLOW_QUERY_MS:
            SLOW_QUERIES.inc()
            log.warning("slow_query", duration_ms=round(milliseconds, 1), sql=str(sql)[:MAX_SQL_LENGTH])
