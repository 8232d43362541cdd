from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Comment, Task

FILE = Path(__file__).parent / "data" / "todoist" / "full-todoist-project.csv"


def upload(user, project, *, content=None, **fields):
    file = SimpleUploadedFile("export.csv", FILE.read_bytes() if content is None else content)
    return logged_in_client(user).post(
        "/import/", {"project": str(project.pk), "file": file, "action": "check"} | fields
    )


def test_shows_first_what_would_happen(project, bob):
    response = upload(bob, project)

    report = response.context["report"]
    assert (report.dry_run, report.created, report.comments) == (True, 8, 9)
    assert "Imported with changes" in visible_text(response)
    assert Task.objects.count() == 0


def test_import_page_reuses_the_checked_file(project, bob):
    staged_file = upload(bob, project).context["staged_file"]

    response = logged_in_client(bob).post(
        "/import/", {"project": str(project.pk), "staged_file": staged_file, "action": "import"}
    )

    assert response.context["report"].created == 8
    assert (Task.objects.count(), Comment.objects.count()) == (8, 9)


def test_changes_nothing_the_second_time(project, bob):
    upload(bob, project, action="import")

    response = upload(bob, project, action="import")

    assert (response.context["report"].created, response.context["report"].skipped) == (0, 8)
    assert Task.objects.count() == 8


@pytest.mark.parametrize("content", [b"", b"name,age\nx,1\n", b"\xff\xfe\x00\x00", b"TYPE,CONTENT\ntask,x\n"])
def test_says_what_is_wrong_with_a_file(content, project, bob):
    response = upload(bob, project, content=content, action="import")

    assert response.status_code == 422
    assert Task.objects.count() == 0


@pytest.mark.parametrize("staged_file", ["", "not base64 ü"])
def test_needs_a_file(staged_file, project, bob):
    response = logged_in_client(bob).post(
        "/import/", {"project": str(project.pk), "staged_file": staged_file, "action": "import"}
    )

    assert response.status_code == 422
    assert "file" in response.context["form"].errors


@pytest.mark.parametrize("who", ["viewer", "mallory", "carol"])
def test_imports_only_where_one_may_write(who, project, request):
    response = upload(request.getfixturevalue(who), project, action="import")

    assert response.status_code == 422
    assert Task.objects.count() == 0
