"""Imports of large files: checked and carried out by a worker, within limits."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict, NotAllowed, NotFound
from core.testing.page_client import logged_in_client, visible_text
from events.models import Event
from tasks.imports import background, handlers
from tasks.imports.limits import LimitExceeded, limits
from tasks.imports.sources import parse_file
from tasks.imports.tests.conftest import HEADER
from tasks.models import ImportJob, Project, ProjectMember, Task

FILE = (HEADER + "task,One,4,1\r\ntask,Two,4,2,,,every day,en\r\n").encode()


@pytest.fixture(autouse=True)
def _small_threshold(monkeypatch):
    monkeypatch.setattr(background, "MAX_INLINE_BYTES", 50)


def upload(user: User, project: Project, content: bytes = FILE, action: str = "check"):
    fields = {"project": str(project.pk), "file": SimpleUploadedFile("export.csv", content), "action": action}
    return logged_in_client(user).post("/import/", fields)


def run_requested() -> None:
    """Handle the newest request as a worker does."""
    handlers.run_requested_import(Event.objects.filter(name="project.import_requested").latest("id"))


def test_large_file_is_checked_then_imported_by_a_worker(bob, project):
    response = upload(bob, project, action="import")
    job = ImportJob.objects.get()
    url = f"/import/{job.pk}/"
    assert (response.status_code, response["Location"]) == (302, url)
    assert (job.state, Task.objects.count()) == ("checking", 0)
    browser = logged_in_client(bob)
    assert 'hx-trigger="every 2s"' in browser.get(url).content.decode()

    run_requested()
    page = browser.get(url)
    assert ("Import 2 tasks" in visible_text(page), "Date: every day" in visible_text(page)) == (True, True)
    assert ("every 2s" in page.content.decode(), Task.objects.count()) == (False, 0)

    assert browser.post(url)["Location"] == url
    run_requested()
    job.refresh_from_db()
    assert (job.state, bytes(job.data), job.report["created"], Task.objects.count()) == ("done", b"", 2, 2)
    assert "Tasks created 2" in visible_text(browser.get(url))


def test_job_delivered_again_changes_nothing(bob, project):
    upload(bob, project)
    run_requested()
    run_requested()
    browser = logged_in_client(bob)
    for _ in range(2):
        browser.post(f"/import/{ImportJob.objects.get().pk}/")
    run_requested()
    run_requested()

    assert (ImportJob.objects.get().state, Task.objects.count()) == ("done", 2)
    assert Event.objects.filter(name="project.import_requested").count() == 2


def test_unreadable_file_fails_with_its_reason(bob, project):
    upload(bob, project, content=FILE + b"task,Three,9,1\r\n")
    run_requested()

    job = ImportJob.objects.get()
    assert (job.state, bytes(job.data), job.error) == (
        "failed",
        b"",
        "Row 4, PRIORITY: “9” is not a number from 1 to 4.",
    )
    assert job.error in visible_text(logged_in_client(bob).get(f"/import/{job.pk}/"))


def test_right_that_was_lost_meanwhile_fails_the_import(alice, bob, project):
    upload(bob, project)
    run_requested()
    background.confirm(actor=bob, job_id=ImportJob.objects.get().pk, now=timezone.now())
    ProjectMember.objects.filter(project=project, user=bob).update(role="viewer")
    run_requested()

    assert (ImportJob.objects.get().state, Task.objects.count()) == ("failed", 0)


def test_second_import_of_a_user_is_refused_while_one_runs(alice, bob, project):
    upload(bob, project)

    response = upload(bob, project)

    assert (response.status_code, ImportJob.objects.count()) == (422, 1)
    assert "still running" in visible_text(response)
    assert upload(alice, project).status_code == 302


@pytest.mark.parametrize(("who", "error"), [("viewer", NotAllowed), ("mallory", NotFound)])
def test_check_is_refused_below_editor(who, error, request, project):
    with pytest.raises(error):
        background.request_import(
            actor=request.getfixturevalue(who),
            project_id=project.pk,
            source="todoist",
            data=FILE,
            dry_run=True,
            now=timezone.now(),
        )
    assert not ImportJob.objects.exists()


def test_job_of_another_user_is_not_found(alice, bob, project):
    upload(bob, project)
    job_id = ImportJob.objects.get().pk

    for call in (
        lambda: background.get_job(alice, job_id),
        lambda: background.confirm(actor=alice, job_id=job_id, now=timezone.now()),
        lambda: background.get_job(bob, uuid.uuid4()),
    ):
        with pytest.raises(NotFound):
            call()


def test_confirming_beside_a_running_import_is_a_conflict(bob, project):
    upload(bob, project)
    run_requested()
    first = ImportJob.objects.get()
    upload(bob, project)

    with pytest.raises(Conflict):
        background.confirm(actor=bob, job_id=first.pk, now=timezone.now())

    first.refresh_from_db()
    assert first.state == "checked"


def test_import_over_its_time_fails_and_writes_nothing(bob, project, monkeypatch):
    upload(bob, project)
    run_requested()
    background.confirm(actor=bob, job_id=ImportJob.objects.get().pk, now=timezone.now())

    def slow_import(**arguments):
        Task.objects.create(project=project, number=1, title="Half", creator=bob, state=project.states.first())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    monkeypatch.setattr(background, "MAX_SECONDS", 1)
    monkeypatch.setattr(background, "run_import", slow_import)
    run_requested()

    job = ImportJob.objects.get()
    assert (job.state, Task.objects.count()) == ("failed", 0)
    assert job.error == "The import took longer than 1 seconds. Split the file and import the parts."


def test_memory_beyond_the_limit_ends_the_block():
    with pytest.raises(LimitExceeded, match="too much memory"), limits(seconds=60, megabytes=64):
        bytearray(256 * 1024 * 1024)

    assert len(bytearray(256 * 1024 * 1024)) == 256 * 1024 * 1024


def test_progress_counts_the_rows_that_were_read(bob, project):
    seen = []
    data = HEADER.encode() + b"task,One,4,1\r\n" * 2500

    background.parse_file("todoist", data, now=timezone.now(), time_zone="UTC", progress=seen.append)

    assert seen == [1000, 2000]


def test_old_jobs_are_deleted_with_their_files(bob, project):
    upload(bob, project)

    assert background.purge_jobs(now=timezone.now() + timedelta(hours=23)) == 0
    assert background.purge_jobs(now=timezone.now() + timedelta(hours=25)) == 1
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize("is_reading", [False, True])
def test_import_of_a_deactivated_user_creates_nothing(is_reading, bob, project, monkeypatch):
    """The account is closed before the worker begins, or while it reads the file."""
    upload(bob, project)
    run_requested()
    logged_in_client(bob).post(f"/import/{ImportJob.objects.get().pk}/")

    def deactivate(*args, **options):
        User.objects.filter(pk=bob.pk).update(is_active=False)
        return parse_file(*args, **options)

    if is_reading:
        monkeypatch.setattr(background, "parse_file", deactivate)
    else:
        User.objects.filter(pk=bob.pk).update(is_active=False)

    run_requested()

    job = ImportJob.objects.get()
    assert (job.state, job.error, bytes(job.data)) == ("failed", "This account is deactivated.", b"")
    assert not Task.objects.exists()
