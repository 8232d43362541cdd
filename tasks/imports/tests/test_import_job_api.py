"""Imports of large files through the API: answered with a job that a worker runs."""

from __future__ import annotations

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.tests.fixtures import signed_in
from events.models import Event
from tasks.imports import background
from tasks.imports.tests.conftest import HEADER
from tasks.models import ImportJob, ProjectMember, Task
from tasks.tests.factories import ProjectFactory

URL = "/api/v1/projects/OPS/imports/"
FILE = (HEADER + "task,One,4,1\r\ntask,Two,4,2,,,every day,en\r\n").encode()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_threshold(monkeypatch):
    monkeypatch.setattr(background, "MAX_INLINE_BYTES", 50)


def upload(user, content=FILE, key="", **fields):
    form = {"source": "todoist", "file": SimpleUploadedFile("export.csv", content), **fields}
    headers = {"Idempotency-Key": key} if key else {}
    return signed_in(user).post(URL, form, headers=headers, format="multipart")


def test_large_file_is_imported_by_a_worker(bob, project, outbox):
    with outbox.delivering():
        response = upload(bob)
        job = ImportJob.objects.get()
        assert (response.status_code, response["Location"]) == (202, f"{URL}{job.pk}/")
        assert response.json() == {
            "id": str(job.pk),
            "source": "todoist",
            "state": "importing",
            "rows_read": 0,
            "report": None,
            "error": None,
            "created_at": response.json()["created_at"],
        }
        assert signed_in(bob).get(response["Location"]).json() == response.json()
        assert not Task.objects.exists()

    body = signed_in(bob).get(response["Location"]).json()
    report = body["report"]
    assert (body["state"], body["error"]) == ("done", None)
    assert (report["source"], report["dry_run"], report["created"]) == ("todoist", False, 2)
    assert report["warnings"] == [{"row": 3, "item": "Date: every day", "reason": report["warnings"][0]["reason"]}]
    assert Task.objects.filter(project=project, creator=bob).count() == 2


def test_large_file_with_dry_run_is_only_checked(bob, project, outbox):
    with outbox.delivering():
        response = upload(bob, dry_run="true")

    body = signed_in(bob).get(response["Location"]).json()
    assert (response.json()["state"], body["state"]) == ("checking", "checked")
    assert (body["report"]["dry_run"], body["report"]["created"], Task.objects.count()) == (True, 2, 0)


def test_unreadable_large_file_fails_with_its_reason(bob, project, outbox):
    with outbox.delivering():
        response = upload(bob, FILE + b"task,Three,9,1\r\n")

    body = signed_in(bob).get(response["Location"]).json()
    assert (body["state"], body["report"]) == ("failed", None)
    assert body["error"] == "Row 4, PRIORITY: “9” is not a number from 1 to 4."
    assert not Task.objects.exists()


def test_progress_is_the_number_of_rows_read(bob, project, monkeypatch):
    location = upload(bob)["Location"]
    monkeypatch.setattr(background, "get_progress", lambda job: 2000)

    assert signed_in(bob).get(location).json()["rows_read"] == 2000


def test_retry_with_the_same_key_is_one_import(bob, project, outbox):
    with outbox.delivering():
        first, second = upload(bob, key="same"), upload(bob, key="same")
    third = upload(bob, key="same")

    assert [response.status_code for response in (first, second, third)] == [202, 202, 202]
    assert first.json() == second.json() == third.json()
    assert first["Location"] == third["Location"]
    assert (ImportJob.objects.count(), Event.objects.filter(name="project.import_requested").count()) == (1, 1)
    assert upload(bob, FILE + b"task,Three,4,1\r\n", key="same").json()["code"] == "idempotency_key_reused"


def test_second_large_import_is_a_conflict_while_one_runs(bob, alice, project):
    upload(bob)
    response = upload(bob)

    assert (response.status_code, response.json()["code"], ImportJob.objects.count()) == (409, "under_way", 1)
    assert upload(alice).status_code == 202


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("mallory", 404)])
def test_large_import_below_editor_is_refused(who, status, request, project):
    response = upload(request.getfixturevalue(who))

    assert (response.status_code, ImportJob.objects.exists()) == (status, False)


def test_import_is_visible_to_its_user_below_its_project(alice, bob, project):
    location = upload(bob)["Location"]
    ProjectFactory(key="ELSE", owner=bob)

    for user, path in (
        (alice, location),
        (bob, f"{URL}{uuid.uuid4()}/"),
        (bob, location.replace("/OPS/", "/ELSE/")),
    ):
        assert signed_in(user).get(path).status_code == 404
    assert signed_in(bob).get(location).status_code == 200
    ProjectMember.objects.filter(project=project, user=bob).delete()
    assert signed_in(bob).get(location).status_code == 404
