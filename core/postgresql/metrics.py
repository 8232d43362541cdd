"""Metrics of the connection pool."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import Gauge
from psycopg_pool import ConnectionPool

# Seconds. Prometheus asks every 15 s or so; more would only slow down taking a connection.
SAMPLE_INTERVAL = 1.0
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
