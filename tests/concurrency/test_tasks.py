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


def test_writers_of_different_fields_do_not_undo_each_other(alice, bob, task, outbox):
    wanted = {
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

    outcomes = run_concurrently(lambda n=n, v=v: update(alice, task.key, **{n: v}) for n, v in wanted.items())

    assert errors_of_type(outcomes) == []
    task.refresh_from_db()
    plain = {name: getattr(task, name) for name in wanted if name not in {"status", "labels", "assignees"}}
    assert {**plain, "status": task.state.slug} == {n: wanted[n] for n in [*plain, "status"]}
    assert [label.name for label in task.labels.all()] == ["red"]
    assert list(task.assignees.all()) == [bob]
    assert task.version == 10
    assert [fact["task"]["version"] for fact in outbox.payloads("task.updated")] == list(range(2, 11))


def test_of_many_writers_upon_one_version_one_wins(alice, task, outbox):
    outcomes = run_concurrently(
        lambda n=n: update(alice, task.key, title=f"Title {n}", versions=frozenset({1})) for n in range(10)
    )

    stale = errors_of_type(outcomes, VersionConflict)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Task)]
    task.refresh_from_db()
    assert len(stale) == 9
    assert (task.title, task.version) == (winner.title, 2)
    assert {(one.version, one.current["title"]) for one in stale} == {(2, winner.title)}
    assert outbox.names() == ["task.updated"]


def test_twenty_creators_get_the_numbers_from_one_to_twenty(alice, bob, project):
    outcomes = run_concurrently(lambda n=n: create((alice, bob)[n % 2], f"Task {n}") for n in range(20))

    assert errors_of_type(outcomes) == []
    assert sorted(Task.objects.values_list("number", flat=True)) == list(range(1, 21))
    assert len(set(Task.objects.values_list("position", flat=True))) == 20
    assert Project.objects.get().next_number == 21


def test_many_first_tasks_share_one_inbox(mallory):
    outcomes = run_concurrently(lambda n=n: create(mallory, f"Thought {n}", "") for n in range(10))

    assert errors_of_type(outcomes) == []
    inbox = Project.objects.get()
    assert (inbox.is_inbox, inbox.owner) == (True, mallory)
    assert sorted(inbox.tasks.values_list("number", flat=True)) == list(range(1, 11))


def test_many_moves_into_one_gap_get_places_of_their_own(alice, project):
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


def test_one_new_label_is_made_once_by_many(alice, project):
    tasks = TaskFactory.create_batch(8, project=project)

    outcomes = run_concurrently(lambda t=t: update(alice, t.key, labels=["Red", "blue"]) for t in tasks)

    assert errors_of_type(outcomes) == []
    assert sorted(project.labels.values_list("name", flat=True)) == ["Red", "blue"]
    assert {task.labels.count() for task in Task.objects.all()} == {2}


def test_two_keys_that_are_the_same_make_one_project(alice, bob):
    outcomes = run_concurrently(
        lambda who=who: projects.create(actor=who, key="SAME", name="Same") for who in (alice, bob) * 4
    )

    assert len(errors_of_type(outcomes, Invalid)) == 7
    assert Project.objects.get().states.count() == 4


def test_a_status_is_not_deleted_under_a_task_that_moves_into_it(clients, alice, bob, project):
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


def test_the_last_two_admins_do_not_both_leave(alice, project_admin, project):
    outcomes = run_concurrently(
        lambda who=who: members.remove(actor=who, ref="OPS", user_id=who.pk, now=NOW) for who in (alice, project_admin)
    )

    assert len(errors_of_type(outcomes, Conflict)) == 1
    assert project.memberships.filter(role="admin").count() == 1


def test_several_schedulers_announce_each_due_task_once(project, bob, outbox):
    tasks = TaskFactory.create_batch(30, project=project, due_at=NOW + timedelta(hours=3))
    for task in tasks:
        AssigneeFactory(task=task, user=bob)

    for _round in range(3):
        outcomes = run_concurrently([lambda: reminders.publish_due_soon(now=NOW)] * 4)
        assert errors_of_type(outcomes) == []

    told = [fact["task"]["id"] for fact in outbox.payloads("task.due_soon")]
    assert sorted(told) == sorted(str(task.pk) for task in tasks)
