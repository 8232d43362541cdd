"""Writers of one task, one project and one inbox at once, on real transactions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import Conflict, Invalid, VersionConflict
from core.testing.concurrency import errors_of_type, run_concurrently
from tasks.items import ordering, reminders
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.members import services as members
from tasks.models import Project, State, Task
from tasks.projects import services as projects
from tasks.tests.factories import AssigneeFactory, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def update(actor, ref, versions=None, **changes):
    return items.update(actor=actor, ref=ref, changes=changes, now=timezone.now(), versions=versions)


def create(actor, title="New", project="OPS"):
    return items.create(actor=actor, draft=TaskDraft(title=title), now=timezone.now(), project_ref=project)


def test_writers_of_different_fields_keep_each_others_changes(alice, bob, task, outbox):
    changes = {
        "title": "New title",
        "description": "New words",
        "priority": 3,
        "estimate": 30,
        "due_date": date(2026, 5, 4),
        "start_date": date(2026, 5, 1),
        "status": "in_progress",
        "labels": ["red"],
        "assignees": [bob.pk],
    }

    outcomes = run_concurrently(lambda n=n, v=v: update(alice, task.key, **{n: v}) for n, v in changes.items())

    assert errors_of_type(outcomes) == []
    task.refresh_from_db()
    columns = {name: getattr(task, name) for name in changes if name not in {"status", "labels", "assignees"}}
    assert {**columns, "status": task.state.slug} == {name: changes[name] for name in [*columns, "status"]}
    assert [label.name for label in task.labels.all()] == ["red"]
    assert list(task.assignees.all()) == [bob]
    assert task.version == 10
    assert [payload["task"]["version"] for payload in outbox.payloads("task.updated")] == list(range(2, 11))


def test_concurrent_writes_of_one_version_have_one_winner(alice, task, outbox):
    outcomes = run_concurrently(
        lambda n=n: update(alice, task.key, title=f"Title {n}", versions=frozenset({1})) for n in range(10)
    )

    stale = errors_of_type(outcomes, VersionConflict)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Task)]
    task.refresh_from_db()
    assert len(stale) == 9
    assert (task.title, task.version) == (winner.title, 2)
    assert {(error.version, error.current["title"]) for error in stale} == {(2, winner.title)}
    assert outbox.names() == ["task.updated"]


def test_concurrent_creates_get_consecutive_numbers(alice, bob, project):
    outcomes = run_concurrently(lambda n=n: create((alice, bob)[n % 2], f"Task {n}") for n in range(20))

    assert errors_of_type(outcomes) == []
    assert sorted(Task.objects.values_list("number", flat=True)) == list(range(1, 21))
    assert len(set(Task.objects.values_list("position", flat=True))) == 20
    assert Project.objects.get().next_number == 21


def test_concurrent_first_tasks_share_one_inbox(mallory):
    outcomes = run_concurrently(lambda n=n: create(mallory, f"Thought {n}", "") for n in range(10))

    assert errors_of_type(outcomes) == []
    inbox = Project.objects.get()
    assert (inbox.is_inbox, inbox.owner) == (True, mallory)
    assert sorted(inbox.tasks.values_list("number", flat=True)) == list(range(1, 11))


def test_concurrent_moves_get_different_positions(alice, project):
    tasks = TaskFactory.create_batch(12, project=project)
    anchor, after = tasks[0], tasks[1]

    outcomes = run_concurrently(
        lambda t=t: ordering.move(actor=alice, ref=t.key, after=anchor.pk, now=timezone.now()) for t in tasks[2:]
    )

    assert errors_of_type(outcomes) == []
    ordered = list(Task.objects.order_by("position").values_list("pk", flat=True))
    assert ordered[0] == anchor.pk
    assert ordered[-1] == after.pk
    assert len(set(Task.objects.values_list("position", flat=True))) == 12


def test_label_created_by_many_is_created_once(alice, project):
    tasks = TaskFactory.create_batch(8, project=project)

    outcomes = run_concurrently(lambda t=t: update(alice, t.key, labels=["Red", "blue"]) for t in tasks)

    assert errors_of_type(outcomes) == []
    assert sorted(project.labels.values_list("name", flat=True)) == ["Red", "blue"]
    assert {task.labels.count() for task in Task.objects.all()} == {2}


def test_project_key_used_by_many_creates_one_project(alice, bob):
    outcomes = run_concurrently(
        lambda actor=actor: projects.create(actor=actor, key="SAME", name="Same") for actor in (alice, bob) * 4
    )

    assert len(errors_of_type(outcomes, Invalid)) == 7
    assert Project.objects.get().states.count() == 4


def test_state_is_not_deleted_under_a_task_moving_into_it(clients, alice, bob, project):
    tasks = TaskFactory.create_batch(6, project=project)
    state = State.objects.get(project=project, slug="in_progress")
    owner, editor = clients["alice"], clients["bob"]

    outcomes = run_concurrently(
        [lambda t=t: editor.patch(f"/api/v1/tasks/{t.key}/", {"status": "in_progress"}).status_code for t in tasks]
        + [lambda: owner.delete(f"/api/v1/projects/OPS/states/{state.pk}/").status_code]
    )

    *moved, deleted = outcomes
    assert deleted in {204, 409}
    assert set(moved) <= {200, 400, 409}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM tasks_task t LEFT JOIN tasks_state s ON s.id = t.state_id WHERE s.id IS NULL"
        )
        assert cursor.fetchone() == (0,)


def test_last_two_project_admins_cannot_both_leave(alice, project_admin, project):
    outcomes = run_concurrently(
        lambda user=user: members.remove(actor=user, ref="OPS", user_id=user.pk, now=NOW)
        for user in (alice, project_admin)
    )

    assert len(errors_of_type(outcomes, Conflict)) == 1
    assert project.memberships.filter(role="admin").count() == 1


def test_due_task_is_announced_once_by_many_schedulers(project, bob, outbox):
    tasks = TaskFactory.create_batch(30, project=project, due_at=NOW + timedelta(hours=3))
    for task in tasks:
        AssigneeFactory(task=task, user=bob)

    for _round in range(3):
        outcomes = run_concurrently([lambda: reminders.publish_due_soon(now=NOW)] * 4)
        assert errors_of_type(outcomes) == []

    announced = [payload["task"]["id"] for payload in outbox.payloads("task.due_soon")]
    assert sorted(announced) == sorted(str(task.pk) for task in tasks)
