"""Panels of the operations page about the database, Redis and this node."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext

from core import redis
from core.health import STARTED_AT
from core.status_panels import Figure, Panel, format_age, format_bytes, judge, query_rows, register_panel

MAX_TABLES = 5
ACTIVITY_SQL = """
SELECT count(*), current_setting('max_connections')::int, count(*) FILTER (WHERE state = 'active'),
    count(*) FILTER (WHERE wait_event_type = 'Lock'),
    coalesce(extract(epoch FROM max(now() - query_start) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid())), 0),
    coalesce(extract(epoch FROM max(now() - xact_start) FILTER (WHERE state LIKE 'idle in transaction%%')), 0)
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
DATABASE_SQL = """
SELECT pg_database_size(datname), blks_hit, blks_read, deadlocks, age(datfrozenxid)
FROM pg_database JOIN pg_stat_database USING (datname) WHERE datname = current_database()
"""
REPLICAS_SQL = """
SELECT count(*), coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0) FROM pg_stat_replication
"""
TABLES_SQL = """
SELECT relname, pg_total_relation_size(relid), n_live_tup, n_dead_tup FROM pg_stat_user_tables
ORDER BY 2 DESC LIMIT %s
"""


def database_figures() -> Sequence[Figure]:
    """Return connections, running and waiting statements, size, cache, and replicas of PostgreSQL."""
    (used, allowed, active, waiting, max_age, idle), *_ = query_rows(ACTIVITY_SQL)
    (size, hits, reads, deadlocks, age), *_ = query_rows(DATABASE_SQL)
    (replicas, lag), *_ = query_rows("SELECT 0, 0") if _is_standby() else query_rows(REPLICAS_SQL)
    return [
        Figure(
            "Connections",
            gettext("%(used)s of %(allowed)s") % {"used": used, "allowed": allowed},
            judge(used / allowed, warn=0.7, bad=0.9),
            gettext("%(active)s run a statement") % {"active": active},
        ),
        Figure(gettext("Waiting for locks"), f"{waiting}", judge(waiting, warn=3, bad=10)),
        Figure(gettext("Longest statement"), format_age(float(max_age)), judge(float(max_age), warn=5, bad=30)),
        Figure(gettext("Longest idle transaction"), format_age(float(idle)), judge(float(idle), warn=30, bad=300)),
        Figure(gettext("Read from memory"), f"{100 * hits / (hits + reads):.1f} %" if hits + reads else "no reads yet"),
        Figure("Deadlocks", f"{deadlocks:,}", note="since the statistics were reset"),
        Figure("Size", format_bytes(size)),
        Figure(gettext("Transaction age"), f"{age:,}", judge(age, warn=500_000_000, bad=1_500_000_000)),
        Figure(
            "Replicas",
            f"{replicas}" if replicas else "none",
            note=gettext("%(lag)s behind") % {"lag": format_bytes(float(lag))} if replicas else "",
        ),
    ]


def _is_standby() -> bool:
    return bool(query_rows("SELECT pg_is_in_recovery()")[0][0])


def table_figures() -> Sequence[Figure]:
    """Return the largest tables with their rows, and the share of dead ones."""
    figures = []
    for name, size, live, dead in query_rows(TABLES_SQL, [MAX_TABLES]):
        share = dead / (live + dead) if live + dead > 10_000 else 0
        note = f"{live:,} rows, {100 * share:.0f} % dead" if live + dead else ""
        figures.append(Figure(name, format_bytes(size), judge(share, warn=0.3, bad=0.6), note))
    return figures


def cache_figures() -> Sequence[Figure]:
    """Return memory, hits, evictions and clients of Redis or Valkey."""
    info = redis.client().info()
    hits, misses = info["keyspace_hits"], info["keyspace_misses"]
    limit = info.get("maxmemory", 0)
    share = info["used_memory"] / limit if limit else 0
    return [
        Figure(
            "Memory",
            format_bytes(info["used_memory"]),
            judge(share, warn=0.8, bad=0.95),
            f"of {format_bytes(limit)}" if limit else "no limit is set",
        ),
        Figure(gettext("Keys found"), f"{100 * hits / (hits + misses):.1f} %" if hits + misses else "no reads yet"),
        Figure(gettext("Evicted keys"), f"{info['evicted_keys']:,}", judge(info["evicted_keys"], warn=1, bad=100_000)),
        Figure("Clients", f"{info['connected_clients']:,}"),
        Figure(gettext("Runs for"), format_age(info["uptime_in_seconds"])),
    ]


def node_figures() -> Sequence[Figure]:
    """Return version, free disk space, migrations and the uptime of this node."""
    folder = Path(settings.DATA_DIR)
    usage = shutil.disk_usage(folder if folder.exists() else folder.parent)
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return [
        Figure(
            "Version",
            settings.VERSION,
            note=gettext("Python %(python_version)s, Django %(get_version)s")
            % {"python_version": platform.python_version(), "get_version": django.get_version()},
        ),
        Figure(gettext("Runs for"), format_age(time.monotonic() - STARTED_AT), note="this process"),
        Figure(
            gettext("Free disk space"),
            format_bytes(usage.free),
            judge(1 - usage.free / usage.total, warn=0.85, bad=0.95),
            f"of {format_bytes(usage.total)}",
        ),
        Figure(gettext("Migrations to apply"), f"{pending}", "bad" if pending else "ok"),
    ]


def register_panels() -> None:
    """Add these panels to the operations page."""
    register_panel(
        Panel(
            "database",
            "PostgreSQL",
            gettext(
                "Connections near their limit, statements that run or wait for seconds, replicas that fall behind."
            ),
            "database",
            database_figures,
        )
    )
    register_panel(
        Panel(
            "tables",
            gettext("Largest tables"),
            gettext("More than a third of dead rows: autovacuum does not keep up."),
            "database",
            table_figures,
        )
    )
    register_panel(
        Panel(
            "cache",
            "Redis",
            gettext("Memory near its limit, and evicted keys: rate limits and sessions may be lost."),
            "cache",
            cache_figures,
        )
    )
    register_panel(
        Panel(
            "node",
            gettext("This node"),
            gettext("A disk that fills up, and migrations that were not applied."),
            "node",
            node_figures,
        )
    )
