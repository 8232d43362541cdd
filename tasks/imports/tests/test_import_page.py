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
    answer = upload(bob, project)

    report = answer.context["report"]
    assert (report.dry_run, report.created, report.comments) == (True, 8, 9)
    assert "Imported with changes" in visible_text(answer)
    assert Task.objects.count() == 0


def test_imports_what_was_checked_without_choosing_the_file_again(project, bob):
    kept = upload(bob, project).context["staged_file"]

    answer = logged_in_client(bob).post(
        "/import/", {"project": str(project.pk), "staged_file": kept, "action": "import"}
    )

    assert answer.context["report"].created == 8
    assert (Task.objects.count(), Comment.objects.count()) == (8, 9)


def test_changes_nothing_the_second_time(project, bob):
    upload(bob, project, action="import")

    answer = upload(bob, project, action="import")

    assert (answer.context["report"].created, answer.context["report"].skipped) == (0, 8)
    assert Task.objects.count() == 8


@pytest.mark.parametrize("content", [b"", b"name,age\nx,1\n", b"\xff\xfe\x00\x00", b"TYPE,CONTENT\ntask,x\n"])
def test_says_what_is_wrong_with_a_file(content, project, bob):
    answer = upload(bob, project, content=content, action="import")

    assert answer.status_code == 422
    assert Task.objects.count() == 0


@pytest.mark.parametrize("staged_file", ["", "not base64 ü"])
def test_needs_a_file(staged_file, project, bob):
    answer = logged_in_client(bob).post(
        "/import/", {"project": str(project.pk), "staged_file": staged_file, "action": "import"}
    )

    assert answer.status_code == 422
    assert "file" in answer.context["form"].errors


@pytest.mark.parametrize("who", ["viewer", "mallory", "carol"])
def test_imports_only_where_one_may_write(who, project, request):
    answer = upload(request.getfixturevalue(who), project, action="import")

    assert answer.status_code == 422
    assert Task.objects.count() == 0
