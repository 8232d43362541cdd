"""What an orchestrator, a load balancer and a person ask: alive? ready? and how are the parts?

Redis, the broker and the mail server are not part of readiness: when they are away every node is
equally affected, and taking them all out of service would turn a slow answer into none.
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
Check = Callable[[], dict[str, Any]]


def database() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


@lru_cache(maxsize=1)
def _migrations_are_applied() -> bool:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise DatabaseError("Some migrations have not been applied.")
    return True


def migrations() -> dict[str, Any]:
    return {"applied": _migrations_are_applied()}


def redis() -> dict[str, Any]:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
        client.ping()
    cache.get("health")
    return {}


def queue() -> dict[str, Any]:
    """The relay's own figures: facts not yet in the log, deliveries overdue, dead letters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM events_event WHERE position IS NULL),"
            " (SELECT count(*) FROM events_delivery WHERE state = 'pending'"
            "   AND next_attempt_at < now() - interval '1 minute'),"
            " (SELECT count(*) FROM events_delivery WHERE state = 'dead')"
        )
        waiting, late, dead = cursor.fetchone()
    return {"waiting": waiting, "late": late, "dead": dead}


def storage() -> dict[str, Any]:
    folder = Path(settings.DATA_DIR)
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    if free < settings.HEALTH_FREE_BYTES:
        raise OSError("The disk is nearly full.")
    return {"free_bytes": free}


READINESS_CHECKS: dict[str, Check] = {"database": database, "migrations": migrations}
CHECKS: dict[str, Check] = {**READINESS_CHECKS, "cache": redis, "queue": queue, "storage": storage}


def run_checks(checks: dict[str, Check]) -> dict[str, dict[str, Any]]:
    return {name: _run_check(check) for name, check in checks.items()}


def _run_check(check: Check) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        found = {"status": "ok", **check()}
    except (DatabaseError, RedisError, OSError) as error:
        found = {"status": "failed", "reason": type(error).__name__}
    found["duration_ms"] = round((time.perf_counter() - started) * 1000, 1)
    return found


@endpoint(mfa_exempt=True, rate_limit=False)
@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@endpoint(mfa_exempt=True, rate_limit=False)
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    found = run_checks(READINESS_CHECKS)
    healthy = all(part["status"] == "ok" for part in found.values())
    return JsonResponse({"status": "ok" if healthy else "failed", "checks": found}, status=200 if healthy else 503)


@endpoint(mfa_exempt=True, rate_limit=False)
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Every part with its state; 503 only when a part that requests cannot do without has failed."""
    found = run_checks(CHECKS)
    needed = all(found[name]["status"] == "ok" for name in READINESS_CHECKS)
    whole = all(part["status"] == "ok" for part in found.values())
    body = {
        "status": "ok" if whole else "degraded" if needed else "failed",
        "version": settings.VERSION,
        "uptime_seconds": int(time.monotonic() - STARTED_AT),
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "checks": found,
    }
    return JsonResponse(body, status=200 if needed else 503)
