from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.auth.sessions.services import issue_tokens, open_session
from accounts.models import User
from tasks.imports.tests.conftest import FILES, HEADER
from tasks.models import ImportedRecord, Project, Task

URL = "/api/v1/projects/OPS/imports/"


def file_of(data: bytes | str = "") -> SimpleUploadedFile:
    raw = data.encode() if isinstance(data, str) else data
    return SimpleUploadedFile("project.csv", raw or (FILES / "basic-test.csv").read_bytes(), "text/csv")


def post(user: User | None, form: dict[str, Any], url: str = URL) -> Any:
    headers = (
        {"Authorization": f"Bearer {issue_tokens(open_session(user=user, now=timezone.now())).access}"} if user else {}
    )
    return Client().post(url, form, headers=headers)


def test_answers_with_the_report(alice: User, project: Project):
    response = post(alice, {"file": file_of(), "source": "todoist"})

    body = response.json()
    assert response.status_code == 200
    assert {name: body[name] for name in ("source", "dry_run", "created", "skipped", "comments", "warning_count")} == {
        "source": "todoist",
        "dry_run": False,
        "created": 3,
        "skipped": 0,
        "comments": 3,
        "warning_count": 2,
    }
    assert [loss["row"] for loss in body["warnings"]] == [2, 5]
    assert Task.objects.filter(project=project).count() == 3


def test_dry_run_writes_nothing(alice: User, project: Project):
    response = post(alice, {"file": file_of(), "source": "todoist", "dry_run": "true"})

    assert (response.status_code, response.json()["created"], response.json()["dry_run"]) == (200, 3, True)
    assert not Task.objects.exists()


def test_same_file_again_creates_nothing(alice: User, project: Project):
    post(alice, {"file": file_of(), "source": "todoist"})

    response = post(alice, {"file": file_of(), "source": "todoist"}, url=f"/api/v1/projects/{project.pk}/imports/")

    assert (response.json()["created"], response.json()["skipped"]) == (0, 3)
    assert Task.objects.count() == 3


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("mallory", 404), ("viewer", 403), ("bob", 200), ("alice", 200)]
)
def test_import_is_allowed_for_editors(request: Any, project: Project, who: str | None, status: int):
    user = request.getfixturevalue(who) if who else None

    response = post(user, {"file": file_of(), "source": "todoist"})

    assert response.status_code == status
    assert Task.objects.exists() is (status == 200)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "file"),
        ({"file": "text, not a file", "source": "todoist"}, "file"),
        ({"file": [file_of(), file_of()], "source": "todoist"}, "file"),
        ({"file": file_of(), "other": file_of(), "source": "todoist"}, "other"),
        ({"file": file_of()}, "source"),
        ({"file": file_of(), "source": "trello"}, "source"),
        ({"file": file_of(), "source": ["todoist", "todoist"]}, "source"),
        ({"file": file_of(), "source": "todo\0ist"}, "source"),
        ({"file": file_of(), "source": "todoist", "dry_run": "maybe"}, "dry_run"),
        ({"file": file_of(), "source": "todoist", "wish": "more"}, "wish"),
        ({"file": file_of("TYPE,CONTENT\n"), "source": "todoist"}, "file.1.PRIORITY"),
        ({"file": file_of(HEADER + "task,One,4,2\n"), "source": "todoist"}, "file.2.INDENT"),
        ({"file": file_of(b"\xff\xfe\x00"), "source": "todoist"}, "file.1"),
    ],
)
def test_bad_input_is_a_400_that_names_the_place(alice: User, project: Project, form: dict[str, Any], field: str):
    for value in form.values():
        for file in value if isinstance(value, list) else [value]:
            if isinstance(file, SimpleUploadedFile):
                file.seek(0)

    response = post(alice, form)

    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    assert response.json()["errors"][0]["field"] == field
    assert not Task.objects.exists()
    assert not ImportedRecord.objects.exists()


def test_unknown_project_is_a_404(alice: User, project: Project):
    response = post(alice, {"file": file_of(), "source": "todoist"}, url=f"/api/v1/projects/{uuid.uuid4()}/imports/")

    assert response.status_code == 404


@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
def test_import_with_other_media_type_is_a_415(alice: User, project: Project, media_type: str):
    token = issue_tokens(open_session(user=alice, now=timezone.now())).access

    response = Client().post(URL, b"{}", content_type=media_type, headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 415


@pytest.mark.parametrize("body", [b"", b"--x\r\nnonsense", b"\0" * 100], ids=["empty", "cut off", "zeros"])
def test_broken_form_is_a_400(alice: User, project: Project, body: bytes):
    token = issue_tokens(open_session(user=alice, now=timezone.now())).access

    response = Client().post(
        URL, body, content_type="multipart/form-data; boundary=x", headers={"Authorization": f"Bearer {token}"}
    )

    assert response.status_code == 400
    assert not Task.objects.exists()
