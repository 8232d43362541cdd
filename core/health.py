"""Health endpoints: liveness, readiness, and the state of each part.

Redis, the broker and the mail server are not part of readiness: when they are away every node is equally affected, and
taking them all out of service would turn a slow response into none.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from core.api.endpoints import endpoint

STARTED_AT = time.monotonic()
# Returns details for /health; raises DatabaseError, RedisError or OSError if the part has failed.
Check = Callable[[], dict[str, Any]]


def check_database() -> dict[str, Any]:
    """Raise DatabaseError unless the database answers a query."""
    with connection.cursor() as cursor:
        # A statement, because a connection of the pool may be dead without anybody knowing.
        cursor.execute("SELECT 1")
    return {}


@lru_cache(maxsize=1)
def check_migrations() -> dict[str, Any]:
    """Remember success, as applied migrations stay applied; an exception is not remembered."""
    # A node of the next release waits here until somebody has migrated, so no request meets a missing column.
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise DatabaseError("Some migrations have not been applied.")
    return {"applied": True}


def check_cache() -> dict[str, Any]:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
        client.ping()
    # Through Django's cache too: it has another client, with settings of its own.
    cache.get("health")
    return {}


def check_storage() -> dict[str, Any]:
    folder = Path(settings.DATA_DIR)
    # A full disk stops PostgreSQL on the same machine, exports and logs; better noticed before.
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    if free < settings.HEALTH_FREE_BYTES:
        raise OSError("The disk is nearly full.")
    return {"free_bytes": free}


READINESS_CHECKS: dict[str, Check] = {"database": check_database, "migrations": check_migrations}
CHECKS: dict[str, Check] = {**READINESS_CHECKS, "cache": check_cache, "storage": check_storage}


def register_check(name: str, check: Check) -> None:
    """Add a check to /health. Apps register their own in AppConfig.ready()."""
    CHECKS[name] = check


def run_checks(checks: dict[str, Check]) -> dict[str, dict[str, Any]]:
    """Return status, details and duration of each part; a failed part does not keep the others from being checked."""
    results = {}
    for name, check in checks.items():
        started = time.perf_counter()
        try:
            result = {"status": "ok", **check()}
        except (DatabaseError, RedisError, OSError) as error:
            # The name of the error only: its text may hold hosts and paths, and anonymous callers read this.
            result = {"status": "failed", "reason": type(error).__name__}
        results[name] = {**result, "duration_ms": round((time.perf_counter() - started) * 1000, 1)}
    return results


@endpoint(mfa_exempt=True, is_monitoring=True, is_liveness=True)
@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@endpoint(mfa_exempt=True, is_monitoring=True)
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    results = run_checks(READINESS_CHECKS)
    is_ready = all(result["status"] == "ok" for result in results.values())
    return JsonResponse({"status": "ok" if is_ready else "failed", "checks": results}, status=200 if is_ready else 503)


@endpoint(mfa_exempt=True, is_monitoring=True)
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Show the state of every part; 503 only if a part that requests cannot do without has failed."""
    results = run_checks(CHECKS)
    is_ready = all(results[name]["status"] == "ok" for name in READINESS_CHECKS)
    is_healthy = all(result["status"] == "ok" for result in results.values())
    body = {
        "status": "ok" if is_healthy else "degraded" if is_ready else "failed",
        "version": settings.VERSION,
        "uptime_seconds": int(time.monotonic() - STARTED_AT),
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "checks": results,
    }
    return JsonResponse(body, status=200 if is_ready else 503)
