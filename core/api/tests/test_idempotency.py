"""A POST sent again with its key is answered, not done again."""

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


def test_the_second_use_gets_the_first_answer_and_writes_nothing(clients, project):
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


def test_a_bare_key_is_the_same_as_a_quoted_one(clients, project):
    body = {"title": "Order toner", "project": "OPS"}

    clients["alice"].post("/api/v1/tasks/", body, HTTP_IDEMPOTENCY_KEY="7f3c")
    clients["alice"].post("/api/v1/tasks/", body, **KEY)

    assert Task.objects.count() == 1


def test_another_request_under_the_same_key_is_refused(clients, project):
    clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    answer = clients["alice"].post("/api/v1/tasks/", {"title": "Order paper", "project": "OPS"}, **KEY)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert Task.objects.get().title == "Order toner"


def test_a_key_belongs_to_its_caller(clients, project):
    for name in ("alice", "bob"):
        clients[name].post("/api/v1/tasks/", {"title": f"Of {name}", "project": "OPS"}, **KEY)

    assert set(Task.objects.values_list("title", flat=True)) == {"Of alice", "Of bob"}


def test_a_key_outlives_the_token(client_of, alice, project):
    body = {"title": "Order toner", "project": "OPS"}

    client_of(alice).post("/api/v1/tasks/", body, **KEY)
    client_of(alice).post("/api/v1/tasks/", body, **KEY)

    assert Task.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(clients, project):
    refused = clients["alice"].post("/api/v1/tasks/", {"title": "", "project": "OPS"}, **KEY)
    answer = clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    assert refused.status_code == 400
    assert answer.status_code == 201
    assert Task.objects.get().title == "Order toner"


@pytest.mark.parametrize("key", ["", '"', 'a"b', "x" * 256, "käse"])
def test_what_is_no_key_is_refused_by_name(clients, project, key):
    answer = clients["alice"].post(
        "/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, HTTP_IDEMPOTENCY_KEY=key
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_create_one_task(client_of, alice, project):
    body = {"title": "Order toner", "project": "OPS"}
    clients = [client_of(alice) for _ in range(20)]

    answers = run_concurrently([lambda client=client: client.post("/api/v1/tasks/", body, **KEY) for client in clients])

    assert Task.objects.count() == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer["Retry-After"] for answer in answers if answer.status_code == 409)
    assert clients[0].post("/api/v1/tasks/", body, **KEY).json()["id"] == str(Task.objects.get().pk)


def test_an_old_answer_is_forgotten(clients, project):
    clients["alice"].post("/api/v1/tasks/", {"title": "Order toner", "project": "OPS"}, **KEY)

    kept = idempotency.delete_expired(now=timezone.now() + timedelta(hours=23))
    gone = idempotency.delete_expired(now=timezone.now() + timedelta(hours=25))

    assert (kept, gone) == (0, 1)
    assert not IdempotencyRecord.objects.exists()


def test_a_key_may_be_used_anew_a_day_later_although_nobody_has_tidied_up(clients, project):
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
