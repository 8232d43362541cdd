"""Changes of many tasks: all or none, one undo, and the rules of a single change."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from django.utils import timezone

from core.testing.concurrency import run_concurrently
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.bulk import services, worker
from tasks.models import BulkJob, Task, TrashEntry
from tasks.tests.factories import AssigneeFactory, ProjectFactory, RecurrenceFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/bulk/"


@pytest.fixture
def tasks(project):
    return TaskFactory.create_batch(5, project=project)


def ids(tasks):
    return [str(task.pk) for task in tasks]


def test_bulk_changes_every_task_and_undoes_at_once(clients, tasks, alice, bob):
    client = clients["alice"]
    AssigneeFactory(task=tasks[0], user=alice)
    client.patch(f"/api/v1/tasks/{tasks[1].key}/", {"status": "done"})
    before = client.get("/api/v1/tasks/?limit=10").json()["results"]
    changes = {
        "status": "done",
        "priority": "high",
        "due_date": "2026-12-24",
        "add_labels": ["Release"],
        "add_assignees": [str(bob.pk)],
    }

    answer = client.patch(URL, {"ids": ids(tasks), "changes": changes})
    rows = client.get("/api/v1/tasks/?limit=10").json()["results"]
    undone = client.post("/api/v1/undo/", {"token": answer["Undo-Token"]})
    after = client.get("/api/v1/tasks/?limit=10").json()["results"]
    redone = client.post("/api/v1/undo/", {"token": undone["Undo-Token"]})

    assert answer.json() == {"matched": 5, "updated": 5, "job": None}
    assert {(row["status"], row["priority"], row["due_date"], *row["labels"]) for row in rows} == {
        ("done", "high", "2026-12-24", "Release")
    }
    assert sorted(len(row["assignees"]) for row in rows) == [1, 1, 1, 1, 2]
    assert undone.status_code == 200
    volatile = {"version", "updated_at"}
    stable = [{name: value for name, value in row.items() if name not in volatile} for row in before]
    assert [{name: value for name, value in row.items() if name not in volatile} for row in after] == stable
    assert redone.status_code == 200
    assert Task.objects.filter(priority=3, category="done").count() == 5


def test_undo_of_bulk_completion_takes_back_next_tasks(clients, project):
    series = TaskFactory.create_batch(3, project=project, due_date=date(2090, 5, 1))
    for task in series:
        RecurrenceFactory(task=task)
    single = TaskFactory(project=project)
    done = clients["alice"].patch(URL, {"ids": ids([*series, single]), "changes": {"status": "done"}})
    following = Task.objects.filter(category="todo").order_by("number")
    touched, commented, untouched = following
    clients["alice"].patch(f"/api/v1/tasks/{touched.key}/", {"title": "Changed"})
    clients["alice"].post(f"/api/v1/tasks/{commented.key}/comments/", {"body": "On it."})

    undone = clients["alice"].post("/api/v1/undo/", {"token": done["Undo-Token"]})
    left = set(Task.objects.values_list("pk", flat=True))
    redone = clients["alice"].post("/api/v1/undo/", {"token": undone["Undo-Token"]})

    assert (done.json()["updated"], undone.status_code, redone.status_code) == (4, 200, 200)
    assert left == {task.pk for task in (*series, single, touched, commented)}
    assert set(Task.objects.filter(pk__in=ids([*series, single])).values_list("category", flat=True)) == {"done"}
    # Only the series whose next task was taken back has been repeated again.
    assert Task.objects.filter(category="todo").count() == 3
    assert TrashEntry.objects.get().object_id == untouched.pk


def test_bulk_closes_few_repeating_tasks_at_once(clients, project, monkeypatch):
    client = clients["alice"]
    monkeypatch.setattr(services, "MAX_REPEATED", 2)
    series = TaskFactory.create_batch(3, project=project, due_date=date(2090, 5, 1))
    for task in series:
        RecurrenceFactory(task=task)
    before = table_digests()

    refused = client.patch(URL, {"ids": ids(series), "changes": {"status": "done"}})
    monkeypatch.setattr(services, "MAX_TASKS", 1)
    by_filter = {"filter": "is:open", "expected_count": 3, "changes": {"status": "done"}}
    refused_job = client.patch(URL, by_filter)

    for response in (refused, refused_job):
        assert (response.status_code, response.json()["code"]) == (409, "too_many_repeated")
        assert "at most 2 are closed at once" in response.json()["detail"]
    assert table_digests() == before
    assert client.patch(URL, {"ids": ids(series[:1]), "changes": {"status": "done"}}).status_code == 200


def test_bulk_publishes_what_single_changes_publish(clients, tasks, bob, outbox):
    clients["alice"].patch(URL, {"ids": ids(tasks[:2]), "changes": {"status": "done", "assignees": [str(bob.pk)]}})

    names = outbox.names()

    assert sorted(names) == sorted(["task.updated", "task.assigned", "task.completed"] * 2 + ["bulk.updated"])


def test_bulk_without_a_difference_changes_nothing(clients, tasks):
    client = clients["alice"]
    client.patch(URL, {"ids": ids(tasks), "changes": {"priority": "high"}})
    before = table_digests()

    answer = client.patch(URL, {"ids": ids(tasks), "changes": {"priority": "high"}})

    assert answer.json() == {"matched": 5, "updated": 0, "job": None}
    assert table_digests() == before


def test_bulk_is_refused_as_a_whole(clients, tasks, mallory, viewer, alice):
    hidden = TaskFactory()
    archived = TaskFactory(project=ProjectFactory(owner=alice, archived_at=timezone.now()))
    starts_late = tasks[3]
    Task.objects.filter(pk=starts_late.pk).update(start_date="2027-01-01")
    before = Task.objects.order_by("pk").values()
    before, events = list(before), Event.objects.count()
    high = {"priority": "high"}

    answers = [
        (clients["alice"].patch(URL, {"ids": [*ids(tasks), str(hidden.pk)], "changes": high}), 400, "ids"),
        (clients["alice"].patch(URL, {"ids": [*ids(tasks), str(tasks[0].pk)], "changes": high}), 400, "ids"),
        (clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {}}), 400, "changes"),
        (clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {"title": "x"}}), 400, "changes.title"),
        (clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {"status": "no"}}), 400, "status"),
        (clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {"due_date": "2026-12-24"}}), 400, "start_date"),
        (clients["alice"].patch(URL, {"ids": ids(tasks), "filter": "x", "changes": high}), 400, "ids"),
        (clients["alice"].patch(URL, {"filter": "state:open", "changes": high}), 400, "expected_count"),
        (clients["alice"].patch(URL, {"filter": "stat:open", "expected_count": 5, "changes": high}), 400, "filter"),
        (
            clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {"add_assignees": [str(mallory.pk)]}}),
            400,
            "assignees",
        ),
    ]
    conflicts = [
        clients["alice"].patch(URL, {"ids": [str(archived.pk)], "changes": high}),
        clients["alice"].patch(URL, {"filter": "project:OPS", "expected_count": 4, "changes": high}),
    ]
    forbidden = clients["viewer"].patch(URL, {"ids": ids(tasks), "changes": high})

    for answer, status, field in answers:
        assert answer.status_code == status, answer.content
        assert answer.json()["errors"][0]["field"] in {field, field.replace("start_date", "due_date")}
    assert [answer.json()["code"] for answer in conflicts] == ["archived", "count_changed"]
    assert forbidden.status_code == 403
    assert list(Task.objects.order_by("pk").values()) == before
    assert Event.objects.count() == events


def test_undo_of_a_bulk_change_is_refused_after_another_change(clients, tasks):
    client = clients["alice"]
    answer = client.patch(URL, {"ids": ids(tasks), "changes": {"priority": "high"}})
    client.patch(f"/api/v1/tasks/{tasks[2].key}/", {"priority": "low"})

    rejected = client.post("/api/v1/undo/", {"token": answer["Undo-Token"]})

    assert rejected.status_code == 412
    assert Task.objects.filter(priority=3).count() == 4


def test_bulk_of_a_large_filter_is_a_job(clients, tasks, monkeypatch):
    monkeypatch.setattr(services, "MAX_TASKS", 2)
    client = clients["alice"]

    answer = client.patch(URL, {"filter": "project:OPS", "expected_count": 5, "changes": {"due_date": "2026-12-24"}})
    second = client.patch(URL, {"filter": "project:OPS", "expected_count": 5, "changes": {"priority": "high"}})
    job = answer.json()["job"]
    worker.run_job(job_id=job["id"], now=timezone.now())
    worker.run_job(job_id=job["id"], now=timezone.now())
    done = client.get(f"{URL}{job['id']}/").json()
    foreign = clients["bob"].get(f"{URL}{job['id']}/")

    assert (answer.status_code, job["state"], job["total"]) == (202, "queued", 5)
    assert (second.status_code, second.json()["code"]) == (409, "under_way")
    assert (done["state"], done["updated"], done["processed"]) == ("done", 5, 5)
    assert Event.objects.filter(name="task.updated").count() == 5
    assert foreign.status_code == 404
    undone = client.post("/api/v1/undo/", {"token": done["undo_token"]})
    assert undone.status_code == 200
    assert not Task.objects.exclude(due_date=None).exists()


def test_bulk_job_that_fails_changes_nothing(clients, tasks, monkeypatch):
    monkeypatch.setattr(services, "MAX_TASKS", 2)
    Task.objects.filter(pk=tasks[-1].pk).update(start_date="2027-01-01")
    answer = clients["alice"].patch(
        URL, {"filter": "project:OPS", "expected_count": 5, "changes": {"due_date": "2026-12-24"}}
    )

    worker.run_job(job_id=answer.json()["job"]["id"], now=timezone.now())

    job = BulkJob.objects.get()
    assert (job.state, job.updated, bool(job.error)) == ("failed", 0, True)
    assert not Task.objects.exclude(due_date=None).exists()


def test_bulk_costs_the_same_queries_for_more_tasks(clients, project, queries):
    few, many = TaskFactory.create_batch(10, project=project), TaskFactory.create_batch(30, project=project)
    changes = {"priority": "high", "status": "done", "add_labels": ["a"]}
    clients["alice"].patch(URL, {"ids": ids(TaskFactory.create_batch(10, project=project)), "changes": changes})
    with queries(at_most=60) as small:
        clients["alice"].patch(URL, {"ids": ids(few), "changes": changes})

    with queries(equal_to=small):
        answer = clients["alice"].patch(URL, {"ids": ids(many), "changes": changes})

    assert answer.json()["updated"] == 30


@pytest.mark.django_db(transaction=True)
def test_bulk_changes_at_once_do_not_deadlock(alice, project):
    tasks = TaskFactory.create_batch(20, project=project)
    orders = [tasks, tasks[::-1], tasks[10:] + tasks[:10]]

    def change(priority, order):
        ids = [task.pk for task in order]
        return services.update(actor=alice, ids=ids, changes={"priority": priority}, now=timezone.now())

    outcomes = run_concurrently([partial(change, number, order) for number, order in enumerate(orders, start=1)])

    assert [len(outcome) for outcome in outcomes] == [20, 20, 20]
    assert Task.objects.values("priority").distinct().count() == 1
    assert set(Task.objects.values_list("version", flat=True)) == {4}


def test_selected_tasks_are_changed_from_the_list(alice, viewer, tasks):
    page = logged_in_client(alice)
    listed = page.get("/tasks/?project=OPS").content.decode()
    form = {"ids": ids(tasks[:2]), "priority": "4", "due_date": "2026-12-24", "add_label": "Release"}

    answer = page.post("/tasks/bulk/", {**form, "next": "/tasks/?project=OPS"}, follow=True)
    nothing = [
        page.post("/tasks/bulk/", {"priority": "1"}, follow=True).content.decode(),
        page.post("/tasks/bulk/", {"ids": ids(tasks)}, follow=True).content.decode(),
        page.post("/tasks/bulk/", {"ids": ids(tasks), "priority": "9"}, follow=True).content.decode(),
    ]
    rejected = logged_in_client(viewer).post("/tasks/bulk/", {"ids": ids(tasks), "priority": "1"}, follow=True)

    assert listed.count('name="ids"') == 5
    assert "2 tasks changed." in answer.content.decode()
    assert "Undo" in answer.content.decode()
    assert answer.redirect_chain[0][0] == "/tasks/?project=OPS"
    assert "Select at least one task." in nothing[0]
    assert "Choose what to change." in nothing[1]
    assert "not change it" in rejected.content.decode()
    assert sorted(Task.objects.values_list("priority", flat=True)) == [0, 0, 0, 4, 4]
    assert Task.objects.filter(labels__name="Release", due_date="2026-12-24").count() == 2


def test_bulk_respects_the_limit_of_a_state(clients, project, tasks):
    project.states.filter(slug="in_progress").update(wip_limit=4)
    type(project).objects.update(wip_policy="refuse")

    rejected = clients["alice"].patch(URL, {"ids": ids(tasks), "changes": {"status": "in_progress"}})
    accepted = clients["alice"].patch(URL, {"ids": ids(tasks[:4]), "changes": {"status": "in_progress"}})

    assert (rejected.status_code, rejected.json()["code"]) == (409, "wip_limit")
    assert accepted.json()["updated"] == 4
    assert Task.objects.filter(category="in_progress").count() == 4


def test_all_matching_tasks_are_changed_from_the_list(alice, tasks, project, monkeypatch):
    monkeypatch.setattr("tasks.items.pages.PAGE_SIZE", 2)
    page = logged_in_client(alice)
    listed = page.get("/projects/OPS/").content.decode()
    selected = page.get("/tasks/?project=OPS&select=all").content.decode()
    form = {"select": "all", "query": "project=OPS", "expected_count": "5", "priority": "4"}
    errors = [
        ({"expected_count": "4"}, "matches 5 tasks now, not 4"),
        ({"expected_count": ""}, "matches 5 tasks now, not 0"),
        ({"query": "filter=due:nonsense"}, "not valid"),
        ({"query": "priority=77"}, "not valid"),
        ({"priority": ""}, "Choose what to change."),
    ]
    for changes, text in errors:
        answer = page.post("/tasks/bulk/", form | changes, follow=True)
        assert text in answer.content.decode(), changes
    assert not Task.objects.exclude(priority=0).exists()

    changed = page.post("/tasks/bulk/", form | {"project": "OPS", "query": "select=all"}, follow=True)

    assert "Select all 5 matching tasks" in listed
    assert "All 5 matching tasks are selected" in selected
    assert selected.count("checked disabled") == 2
    assert 'name="expected_count" value="5"' in selected
    assert "5 tasks changed." in changed.content.decode()
    assert set(Task.objects.values_list("priority", flat=True)) == {4}

    monkeypatch.setattr(services, "MAX_TASKS", 2)
    started = page.post("/tasks/bulk/", form | {"priority": "1"})
    waiting = page.get(started["Location"]).content.decode()
    worker.run_job(job_id=BulkJob.objects.get().pk, now=timezone.now())
    done = page.get(started["Location"]).content.decode()

    assert started["Location"] == f"/tasks/bulk/{BulkJob.objects.get().pk}/"
    assert "0 of 5 tasks" in waiting
    assert "5 tasks changed." in done
    page.post("/undo/", {"token": BulkJob.objects.get().undo_token})
    assert set(Task.objects.values_list("priority", flat=True)) == {4}
