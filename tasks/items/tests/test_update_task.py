from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from core.testing.database_state import table_digests
from tasks.items import ordering
from tasks.items.tests.test_create_task import changed_since, error_fields
from tasks.models import Task, TaskAssignee
from tasks.tests.factories import AssigneeFactory, TaskFactory

URL = "/api/v1/tasks/OPS-1/"

pytestmark = pytest.mark.django_db


def test_only_what_was_sent_changes(clients, task, outbox):
    response = clients["bob"].patch(URL, {"title": "New title", "priority": "high"})

    assert response.status_code == 200
    assert [response.json()[name] for name in ("title", "priority", "description", "version")] == [
        "New title",
        "high",
        "",
        2,
    ]
    assert response.json() == clients["bob"].get(URL).json()
    event = outbox.only("task.updated")
    assert event["changes"] == {"title": ["Fix the printer", "New title"], "priority": [0, 3]}
    assert (event["task"]["version"], event["task"]["title"]) == (2, "New title")


@pytest.mark.parametrize(
    "change", [{}, {"title": "Fix the printer"}, {"status": "todo", "labels": [], "assignees": []}]
)
def test_unchanged_update_publishes_nothing(change, clients, task):
    client, before = clients["bob"], table_digests()

    response = client.patch(URL, change)

    assert (response.status_code, response.json()["version"]) == (200, 1)
    assert changed_since(before) == set()


def test_task_is_started_completed_and_reopened(clients, task, outbox):
    steps = [
        clients["bob"].patch(URL, {"status": status}).json() for status in ("in_progress", "done", "cancelled", "todo")
    ]

    assert [(step["category"], step["closed_at"] is not None) for step in steps] == [
        ("in_progress", False), ("done", True), ("cancelled", True), ("todo", False),
    ]  # fmt: skip
    assert len({step["started_at"] for step in steps}) == 1
    assert steps[1]["closed_at"] == steps[2]["closed_at"]
    assert outbox.names() == [
        "task.updated", "task.updated", "task.completed", "task.updated", "task.updated", "task.reopened",
    ]  # fmt: skip
    assert outbox.payloads("task.updated")[1]["changes"] == {"status": ["in_progress", "done"]}


def test_people_are_assigned_and_taken_off(clients, task, alice, bob, outbox):
    AssigneeFactory(task=task, user=alice)

    response = clients["bob"].patch(URL, {"assignees": [str(bob.pk)]})

    assert [user["handle"] for user in response.json()["assignees"]] == ["bob"]
    assert outbox.names() == ["task.updated", "task.assigned", "task.unassigned"]
    assert outbox.only("task.updated")["changes"] == {"assignees": [[str(alice.pk)], [str(bob.pk)]]}
    assert outbox.only("task.assigned")["assignee_id"] == str(bob.pk)
    assert outbox.only("task.unassigned")["assignee_id"] == str(alice.pk)


def test_former_member_may_stay_assigned_but_not_be_added(clients, task, alice, mallory):
    AssigneeFactory(task=task, user=mallory)

    response = clients["bob"].patch(URL, {"assignees": [str(mallory.pk), str(alice.pk)]})
    clients["bob"].patch(URL, {"assignees": []})
    anew = clients["bob"].patch(URL, {"assignees": [str(mallory.pk)]})

    assert (response.status_code, anew.status_code, error_fields(anew)) == (200, 400, [("assignees", "not_a_member")])
    assert not TaskAssignee.objects.exists()


def test_task_is_due_on_a_day_or_at_an_instant(clients, task):
    day = clients["bob"].patch(URL, {"due_date": "2026-05-04"}).json()
    instant = clients["bob"].patch(URL, {"due_at": "2026-05-05T08:00:00Z"}).json()
    back = clients["bob"].patch(URL, {"due_date": "2026-05-06"}).json()
    both = clients["bob"].patch(URL, {"due_date": "2026-05-07", "due_at": "2026-05-07T08:00:00Z"})
    never = clients["bob"].patch(URL, {"due_date": None}).json()

    due = [(step["due_date"], step["due_at"]) for step in (day, instant, back, never)]
    assert due == [("2026-05-04", None), (None, "2026-05-05T08:00:00Z"), ("2026-05-06", None), (None, None)]
    assert (both.status_code, error_fields(both)) == (400, [("due_at", "both_given")])


def test_cyclic_parent_is_rejected(clients, task):
    child = TaskFactory(project=task.project, parent=task)
    grandchild = TaskFactory(project=task.project, parent=child)
    client, before = clients["bob"], table_digests()

    responses = [client.patch(URL, {"parent": str(key)}) for key in (task.pk, child.pk, grandchild.pk)]

    assert [(response.status_code, error_fields(response)) for response in responses] == [
        (400, [("parent", "circle")])
    ] * 3
    assert changed_since(before) == set()


def test_stale_write_is_rejected_with_differences(clients, task, alice, bob, outbox):
    AssigneeFactory(task=task, user=bob)
    tag = clients["bob"].get(URL)["ETag"]
    clients["alice"].patch(URL, {"title": "Hers", "priority": "high"})
    before = table_digests()

    response = clients["bob"].patch(
        URL,
        {"title": "His", "priority": "low", "assignees": [str(bob.pk)], "description": ""},
        headers={"If-Match": tag},
    )

    body = response.json()
    assert (response.status_code, body["code"], body["version"]) == (412, "version_conflict", 2)
    assert body["current"] == {"title": "Hers", "priority": "high", "assignees": [str(bob.pk)], "description": ""}
    assert body["differences"] == [
        {"field": "title", "current": "Hers", "requested": "His"},
        {"field": "priority", "current": "high", "requested": "low"},
    ]
    assert changed_since(before) == set()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 200),
        ('"1"', 200),
        ('"1.abcdef"', 200),
        ('"7", "1"', 200),
        ('W/"1"', 412),
        ('"2"', 412),
        ('"something-else"', 412),
        ("1", 400),
        ('"1', 400),
        ('"1" "2"', 400),
    ],
)
def test_if_match_is_read_as_the_standard_says(header, status, clients, task):
    response = clients["bob"].patch(URL, {"title": "New"}, headers={"If-Match": header})

    assert response.status_code == status
    assert Task.objects.get().title == ("New" if status == 200 else "Fix the printer")


def test_task_is_deleted_and_its_subtasks_stay(clients, task, outbox):
    child = TaskFactory(project=task.project, parent=task)

    stale = clients["bob"].delete(URL, headers={"If-Match": '"9"'})
    response = clients["bob"].delete(URL, headers={"If-Match": '"1"'})

    assert (stale.status_code, response.status_code) == (412, 204)
    child.refresh_from_db()
    assert child.parent is None
    event = outbox.only("task.deleted")
    assert (event["task"]["id"], event["task"]["version"]) == (str(task.pk), 2)
    assert clients["bob"].get(URL).status_code == 404


def test_number_is_not_used_again(clients, project):
    made = clients["bob"].post("/api/v1/tasks/", {"title": "x", "project": "OPS"}).json()
    clients["bob"].delete(f"/api/v1/tasks/{made['id']}/")

    assert clients["bob"].post("/api/v1/tasks/", {"title": "y", "project": "OPS"}).json()["key"] == "OPS-2"


def test_task_moves_before_and_after_others(clients, project, outbox):
    first, second, third = TaskFactory.create_batch(3, project=project)

    def order():
        return [row["number"] for row in clients["bob"].get("/api/v1/tasks/?ordering=position").json()["results"]]

    up = clients["bob"].post(f"/api/v1/tasks/{third.key}/move/", {"before": str(first.pk)})
    after_up = order()
    clients["bob"].post(f"/api/v1/tasks/{third.key}/move/", {"after": str(second.pk)})

    assert (up.status_code, up.json()["version"]) == (200, 2)
    assert (after_up, order()) == ([3, 1, 2], [1, 2, 3])
    assert [list(event["changes"]) for event in outbox.payloads("task.updated")] == [["position"], ["position"]]


def test_endless_moves_into_one_gap_stay_short_and_in_order(alice, project, monkeypatch):
    monkeypatch.setattr(ordering, "MAX_POSITION_LENGTH", 12)
    first, second, third, *rest = TaskFactory.create_batch(5, project=project)

    for step in range(61):
        moved = second if step % 2 else third
        ordering.move(actor=alice, ref=moved.key, after=first.pk, now=timezone.now())

    ordered = list(Task.objects.order_by("position").values_list("number", flat=True))
    assert ordered == [1, 3, 2, *(task.number for task in rest)]
    assert max(len(position) for position in Task.objects.values_list("position", flat=True)) <= 12


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "before"),
        ({"before": "{first}", "after": "{first}"}, "before"),
        ({"after": "{itself}"}, "after"),
        ({"before": "{foreign}"}, "before"),
    ],
)
def test_move_to_nowhere_is_rejected(body, field, clients, task):
    things = {"first": TaskFactory(project=task.project).pk, "itself": task.pk, "foreign": TaskFactory().pk}
    client, before = clients["bob"], table_digests()

    response = client.post(f"{URL}move/", {name: value.format(**things) for name, value in body.items()})

    assert (response.status_code, error_fields(response)[0][0]) == (400, field)
    assert changed_since(before) == set()


def test_history_tells_who_changed_what_newest_first(clients, task):
    clients["bob"].patch(URL, {"title": "New"})
    clients["alice"].post(f"{URL}comments/", {"body": "Thanks"})

    rows = clients["alice"].get(f"{URL}activity/").json()["results"]

    assert [(row["kind"], row["actor"]["name"]) for row in rows] == [
        ("task.commented", "Alice"),
        ("task.updated", "Bob"),
    ]
    assert rows[1]["changes"] == {"title": ["Fix the printer", "New"]}


@pytest.mark.parametrize(
    ("before", "changes", "field"),
    [
        ({"due_date": date(2026, 12, 1)}, {"start_date": "2027-01-01"}, "start_date"),
        ({"start_date": date(2027, 1, 1)}, {"due_date": "2026-12-01"}, "due_date"),
        ({"start_date": date(2027, 1, 1)}, {"due_at": "2026-12-31T12:00:00Z"}, "due_at"),
        ({}, {"start_date": "2027-01-01", "due_date": "2026-12-01"}, "start_date"),
        ({"start_date": date(2026, 1, 1), "due_date": date(2026, 1, 2)}, {"due_at": "2025-12-31T12:00:00Z"}, "due_at"),
    ],
)
def test_start_after_due_date_is_rejected(before, changes, field, clients, task):
    Task.objects.update(**before)

    response = clients["bob"].patch(URL, changes)

    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, "start_after_due")]
    stored = Task.objects.get()
    assert stored.version == 1
    assert {name: getattr(stored, name) for name in before} == before


def test_day_of_due_time_is_that_of_the_actor(clients, task, bob):
    User.objects.filter(pk=bob.pk).update(time_zone="Pacific/Auckland")
    Task.objects.update(start_date=date(2026, 5, 2))

    statuses = [
        clients["bob"].patch(URL, {"due_at": due_at}).status_code
        for due_at in ("2026-05-01T11:59:00Z", "2026-05-01T12:00:00Z")
    ]

    assert statuses == [400, 200]


@pytest.mark.parametrize("due", [{"due_date": date(2026, 5, 1)}, {"due_at": datetime(2026, 5, 1, 9, tzinfo=UTC)}])
def test_database_rejects_start_after_due_date(due, task):
    with pytest.raises(IntegrityError, match="a_task_starts_before_it_is_due"), transaction.atomic():
        Task.objects.update(start_date=date(2026, 5, 2), **due)
