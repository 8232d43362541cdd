"""Deletions and restorations of more rows than a request may move: a job, all or nothing, undone at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Delivery, Event
from tasks.bulk import worker
from tasks.models import BulkJob, Label, Project, ProjectMember, Section, Task, TrashEntry
from tasks.tests.factories import CommentFactory, LabelFactory, TaskFactory
from tasks.trash import storage

pytestmark = pytest.mark.django_db
PROJECT, JOBS = "/api/v1/projects/OPS/", "/api/v1/tasks/bulk/"
CONTENT = ("tasks_project", "tasks_task", "tasks_comment", "tasks_label", "tasks_task_labels", "tasks_trashentry")


@pytest.fixture
def large(project, monkeypatch):
    """A project with more rows than a request may delete."""
    monkeypatch.setattr(storage, "MAX_ROWS", 10)
    label = LabelFactory(project=project, name="bug")
    for task in TaskFactory.create_batch(12, project=project):
        task.labels.add(label)
        CommentFactory(task=task)
    return project


def content():
    return {name: digest for name, digest in table_digests().items() if name in CONTENT}


def run(response):
    """Let the worker do the job of a response; return the job as the API shows it."""
    job = BulkJob.objects.get(state="queued")
    assert (response.status_code, response["Location"]) == (202, f"{JOBS}{job.pk}/")
    worker.run_job(job_id=job.pk, now=timezone.now())
    return response.client.get(response["Location"]).json()


def test_large_project_is_deleted_and_restored_by_jobs(clients, large):
    client, before = clients["alice"], content()
    accepted = client.delete(PROJECT)
    assert content() == before
    second = client.delete(PROJECT)
    deleted = run(accepted)
    entry = TrashEntry.objects.get()
    gone = client.get(PROJECT)
    undone = client.post("/api/v1/undo/", {"token": deleted["undo_token"]})
    assert not Project.objects.exists()
    worker.run_job(job_id=undone.json()["job"]["id"], now=timezone.now())
    restored = client.get(f"{JOBS}{undone.json()['job']['id']}/").json()

    assert (second.status_code, second.json()["code"]) == (409, "under_way")
    assert (deleted["kind"], deleted["state"], deleted["error"]) == ("delete_project", "done", "")
    assert deleted["processed"] == entry.row_count > 36
    assert gone.status_code == 404
    assert (undone.json()["exists"], undone.json()["job"]["state"]) == (False, "queued")
    assert (restored["kind"], restored["state"], restored["total"]) == ("restore", "done", entry.row_count)
    assert Task.objects.filter(project=large, labels__name="bug").count() == 12
    assert not TrashEntry.objects.exists()
    # The restoration is undone by one more job.
    again = client.post("/api/v1/undo/", {"token": restored["undo_token"]})
    worker.run_job(job_id=again.json()["job"]["id"], now=timezone.now())
    assert not Project.objects.exists()
    answer = client.post(f"/api/v1/trash/{TrashEntry.objects.get().pk}/restore/")
    assert run(answer)["state"] == "done"
    assert Task.objects.filter(project=large).count() == 12


def test_large_label_and_section_are_deleted_by_jobs(clients, large):
    section = Section.objects.create(project=large, name="A", position=0)
    Task.objects.update(section=section)
    client, label = clients["alice"], Label.objects.get()

    states = [run(client.delete(f"/api/v1/labels/{label.pk}/")), run(client.delete(f"{PROJECT}sections/{section.pk}/"))]

    assert [job["state"] for job in states] == ["done", "done"]
    assert not Task.objects.exclude(section=None, labels=None).exists()
    assert TrashEntry.objects.count() == 2


def test_large_deletion_that_fails_changes_nothing(clients, alice, large, monkeypatch):
    before = content()
    accepted = clients["alice"].delete(PROJECT)
    monkeypatch.setattr(storage, "MAX_ROWS_OF_JOB", 20)
    failed = run(accepted)
    forbidden = clients["bob"].delete(PROJECT)
    stale = clients["alice"].delete(PROJECT, headers={"If-Match": '"9"'})
    not_queued = BulkJob.objects.filter(state="queued").exists()
    accepted = clients["alice"].delete(PROJECT)
    ProjectMember.objects.filter(project=large, user=alice).update(role="viewer", effective_role="viewer")
    lost = worker.run_job(job_id=BulkJob.objects.get(state="queued").pk, now=timezone.now())

    assert (failed["state"], "20 rows" in failed["error"]) == ("failed", True)
    assert (forbidden.status_code, stale.status_code, not_queued, lost) == (403, 412, False, None)
    assert set(BulkJob.objects.values_list("state", flat=True)) == {"failed"}
    assert content() == before


def test_page_shows_the_progress_of_a_large_deletion(alice, large):
    page = logged_in_client(alice)

    started = page.post("/projects/OPS/delete/")
    waiting = page.get(started["Location"]).content.decode()
    worker.run_job(job_id=BulkJob.objects.get().pk, now=timezone.now())
    done = page.get(started["Location"]).content.decode()
    restoring = page.post(f"/trash/{TrashEntry.objects.get().pk}/restore/")
    worker.run_job(job_id=BulkJob.objects.get(state="queued").pk, now=timezone.now())

    assert started["Location"] == f"/tasks/bulk/{BulkJob.objects.get(kind='delete_project').pk}/"
    assert "0 rows so far" in waiting
    assert "moved to the" in done
    assert "Undo" in done
    assert "restored." in page.get(restoring["Location"]).content.decode()
    assert Project.objects.exists()


def test_job_that_can_never_run_keeps_its_user_from_nothing(clients, large):
    section = Section.objects.create(project=large, name="A", position=0)
    Task.objects.update(section=section)
    gone = clients["alice"].delete(f"{PROJECT}sections/{section.pk}/")
    Section.objects.filter(pk=section.pk).delete()
    missing = run(gone)
    clients["alice"].delete(PROJECT)
    stuck = BulkJob.objects.get(state="queued")
    event = Event.objects.get(subject_id=stuck.pk)
    Delivery.objects.create(event=event, consumer="run", state=Delivery.State.DEAD, next_attempt_at=timezone.now())

    accepted = clients["alice"].delete(PROJECT)
    redelivered = worker.run_job(job_id=stuck.pk, now=timezone.now())

    assert (missing["state"], missing["error"]) == ("failed", "It was deleted meanwhile.")
    assert (accepted.status_code, redelivered, Project.objects.filter(pk=large.pk).exists()) == (202, None, True)
    stuck.refresh_from_db()
    assert (stuck.state, stuck.error) == ("failed", "An error stopped it. Nothing was changed.")
    assert run(accepted)["state"] == "done"
