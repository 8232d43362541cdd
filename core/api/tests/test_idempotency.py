"""Idempotent POST: a repeated key replays the stored response."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.api import idempotency
from core.models import IdempotencyRecord
from core.testing.concurrency import run_concurrently
from events.models import Event
from tasks.models import Task

KEY = {"HTTP_IDEMPOTENCY_KEY": '"7f3c"'}


def test_second_use_of_a_key_replays_the_response(clients, project):
    body = {"title": "Order toner", "project": "OPS"}

    first = clients["alice"].post("/api/v1/tasks/", body, **KEY)
    second = clients["alice"].post("/api/v1/tasks/", body, **KEY)

    assert first.status_code == second.status_code == 201
    assert second.json() == first.json()
    assert second["ETag"] == first["ETag"]
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Task.objects.count() == 1
    assert Event.objects.filter(name="task.created").count() == 1


def test_bare_key_equals_quoted_key(clients, project):
    body = {"title": "Order toner", "project": "OPS"}

    clients["alice"].post("/api/v1/tasks/", body, HTTP_IDEMPOTENCY_KEY="7f3c")
    clients["alice"].post("/api/v1/tasks/", body, **KEY)

    assert Task.objects.count() == 1


def test_key_of_another_request_is_rejected(clients, project):
    clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    response = clients["alice"].post("/api/v1/tasks/", {"title": "Order paper", "project": "OPS"}, **KEY)

    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert Task.objects.get().title == "Order toner"


def test_key_belongs_to_its_user(clients, project):
    for name in ("alice", "bob"):
        clients[name].post("/api/v1/tasks/", {"title": f"Of {name}", "project": "OPS"}, **KEY)

    assert set(Task.objects.values_list("title", flat=True)) == {"Of alice", "Of bob"}


def test_key_outlives_the_token(client_of, alice, project):
    body = {"title": "Order toner", "project": "OPS"}

    client_of(alice).post("/api/v1/tasks/", body, **KEY)
    client_of(alice).post("/api/v1/tasks/", body, **KEY)

    assert Task.objects.count() == 1


def test_failed_request_leaves_its_key_unused(clients, project):
    refused = clients["alice"].post("/api/v1/tasks/", {"title": "", "project": "OPS"}, **KEY)
    response = clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    assert refused.status_code == 400
    assert response.status_code == 201
    assert Task.objects.get().title == "Order toner"


@pytest.mark.parametrize("key", ["", '"', 'a"b', "x" * 256, "käse"])
def test_malformed_key_is_rejected(clients, project, key):
    response = clients["alice"].post(
        "/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, HTTP_IDEMPOTENCY_KEY=key
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_with_one_key_create_one_task(client_of, alice, project):
    body = {"title": "Order toner", "project": "OPS"}
    clients = [client_of(alice) for _ in range(20)]

    responses = run_concurrently(
        [lambda client=client: client.post("/api/v1/tasks/", body, **KEY) for client in clients]
    )

    assert Task.objects.count() == 1
    assert {response.status_code for response in responses} <= {201, 409}
    assert all(response["Retry-After"] for response in responses if response.status_code == 409)
    assert clients[0].post("/api/v1/tasks/", body, **KEY).json()["id"] == str(Task.objects.get().pk)


def test_expired_record_is_deleted(clients, project):
    clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    before = idempotency.delete_expired(now=timezone.now() + timedelta(hours=23))
    after = idempotency.delete_expired(now=timezone.now() + timedelta(hours=25))

    assert (before, after) == (0, 1)
    assert not IdempotencyRecord.objects.exists()


def test_key_is_reusable_after_a_day_without_clean_up(clients, project):
    body = {"title": "Order toner", "project": "OPS"}
    first = clients["alice"].post("/api/v1/tasks/", body, **KEY)

    IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.RETENTION + timedelta(minutes=1))
    within = clients["alice"].post("/api/v1/tasks/", body, **KEY)
    IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.RETENTION - timedelta(minutes=1))
    after = clients["alice"].post("/api/v1/tasks/", {"title": "Order paper", "project": "OPS"}, **KEY)

    assert within.json() == first.json()
    assert (after.status_code, after.json()["title"]) == (201, "Order paper")
    assert "Idempotency-Replayed" not in after
    assert (Task.objects.count(), IdempotencyRecord.objects.count()) == (2, 1)
