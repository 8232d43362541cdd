from __future__ import annotations

import time

import pytest
from django.db import DatabaseError

from core import health

pytestmark = pytest.mark.django_db


def test_livez_needs_no_database(client, queries):
    with queries(at_most=0):
        answer = client.get("/livez")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_readyz_checks_database_and_migrations(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert {name: part["status"] for name, part in answer.json()["checks"].items()} == {
        "database": "ok",
        "migrations": "ok",
    }


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_health_names_every_part(path, client):
    body = client.get(path).json()

    assert (body["status"], set(body["checks"])) == ("ok", {"database", "migrations", "cache", "queue", "storage"})
    assert body["checks"]["queue"].items() >= {"waiting": 0, "late": 0, "dead": 0}.items()
    assert body["uptime_seconds"] >= 0
    assert body["time"].endswith("Z")


@pytest.mark.parametrize(
    "address", ["redis://127.0.0.1:1/0", "unix:///nowhere/valkey.sock", "redis://192.0.2.1:6379/0"]
)
def test_health_is_degraded_without_redis(address, client, settings):
    settings.REDIS_URL = address
    started = time.monotonic()

    ready, whole = client.get("/readyz"), client.get("/health")

    assert (ready.status_code, whole.status_code) == (200, 200)
    assert whole.json()["status"] == "degraded"
    assert whole.json()["checks"]["cache"]["status"] == "failed"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(("part", "status", "word"), [("database", 503, "failed"), ("storage", 200, "degraded")])
def test_health_is_503_only_for_readiness_checks(part, status, word, client, monkeypatch):
    def broken():
        raise DatabaseError("secret-host refused")

    monkeypatch.setitem(health.CHECKS, part, broken)

    answer = client.get("/health")

    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["checks"][part]["reason"] == "DatabaseError"
    assert b"secret-host" not in answer.content


def test_health_reports_a_full_disk(client, settings):
    settings.HEALTH_FREE_BYTES = 2**62

    assert client.get("/health").json()["checks"]["storage"]["status"] == "failed"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_health_endpoints_are_read_only(path, client):
    answer = client.post(path)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
