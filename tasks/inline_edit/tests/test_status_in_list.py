from __future__ import annotations

import pytest

from core.testing.page_client import htmx_headers, logged_in_client
from tasks.models import Task


def send(user, task, **fields):
    row = htmx_headers(f"tr#task-{task.pk}") if fields.pop("htmx", False) else {}
    body = {"status": "done", "version": task.version, "next": "/tasks/?priority=4"} | fields
    return logged_in_client(user).post(f"/tasks/{task.key}/cell/status/", body, headers=row)


def test_moves_the_task_and_returns_to_the_list(task, bob):
    response = send(bob, task)

    assert (response.status_code, response["Location"]) == (302, "/tasks/?priority=4")
    assert Task.objects.get().category == "done"


def test_returns_only_to_our_own_pages(task, bob):
    assert send(bob, task, next="https://evil.example/")["Location"] == f"/tasks/{task.key}/"


def test_answers_the_row_as_it_is_now_to_htmx(task, bob):
    response = send(bob, task, htmx=True)

    assert response.status_code == 200
    assert response.content.decode().count("<tr") == 1
    assert 'name="version" value="2"' in response.content.decode()


def test_refuses_a_task_that_changed_in_the_meantime(task, bob):
    Task.objects.update(version=7)

    response = send(bob, task, htmx=True)

    assert response.status_code == 409
    assert 'name="version" value="7"' in response.content.decode()
    assert "changed by someone else" in response["HX-Trigger"]
    assert Task.objects.get().category == "todo"


def test_refuses_a_status_the_project_does_not_have(task, bob):
    response = send(bob, task, status="lost", htmx=True)

    assert response.status_code == 422
    assert Task.objects.get().version == 1


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("carol", 403), ("mallory", 404), ("admin", 302)])
def test_lets_only_editors_do_it(who, status, task, request, outbox):
    response = send(request.getfixturevalue(who), task)

    assert response.status_code == status
    assert (Task.objects.get().category == "done") is (status == 302)
    assert bool(outbox.names()) is (status == 302)


def test_is_not_done_by_a_link(task, bob):
    assert logged_in_client(bob).get(f"/tasks/{task.key}/cell/status/").status_code == 200
    assert Task.objects.get().category == "todo"
