from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tasks.imports.tests.conftest import FILES, HEADER
from tasks.models import Project, Task

BASIC = str(FILES / "basic-test.csv")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_tasks", "todoist", *arguments, stdout=out)
    return out.getvalue()


def test_imports_for_the_owner_and_lists_what_was_lost(alice: User, project: Project):
    output = run(BASIC, "--project", "OPS")

    assert output.splitlines()[:3] == [
        "Read 3 tasks and 3 comments from basic-test.csv.",
        "Created 3 tasks and 3 comments; 0 tasks were imported before.",
        "2 items could not be imported as they are:",
    ]
    assert "row 5: edit.png (https://" in output
    assert {task.creator for task in Task.objects.all()} == {alice}


def test_dry_run_only_says_what_would_happen(project: Project):
    output = run(BASIC, "--project", "OPS", "--dry-run")

    assert "Would create 3 tasks and 3 comments" in output
    assert not Task.objects.exists()


def test_imports_as_somebody_with_a_name_explained(bob: User, project: Project, tmp_path: Path):
    file = tmp_path / "one.csv"
    file.write_text(HEADER + "task,One,4,1,,Alex (1)\r\n")

    run(str(file), "--project", "OPS", "--as", "bob@example.com", "--user", "Alex=bob@example.com")

    task = Task.objects.get()
    assert (task.creator, list(task.assignees.all())) == (bob, [bob])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([BASIC, "--project", "NONE"], "There is no project NONE."),
        ([BASIC, "--project", "OPS", "--as", "nobody@example.com"], "There is no user with the address"),
        ([BASIC, "--project", "OPS", "--as", "viewer@example.com"], "You may read this project, not change it."),
        ([BASIC, "--project", "OPS", "--as", "mallory@example.com"], "There is no such project."),
        (["/nowhere/file.csv", "--project", "OPS"], "Cannot read /nowhere/file.csv: No such file or directory."),
        (["/", "--project", "OPS"], "Cannot read /: Is a directory."),
        (
            [__file__, "--project", "OPS"],
            "Row 1, TYPE: This doesn't look like a Todoist export: this column is missing.",
        ),
        ([BASIC, "--project", "OPS", "--user", "Alex"], "write it as NAME=EMAIL"),
    ],
)
def test_says_why_not_and_writes_nothing(viewer: User, mallory: User, arguments: list[str], words: str):
    with pytest.raises(CommandError) as error:
        run(*arguments)

    assert words in str(error.value)
    assert not Task.objects.exists()


def test_shows_fifty_losses_and_all_when_asked(project: Project, tmp_path: Path):
    file = tmp_path / "many.csv"
    file.write_text(HEADER + "".join(f"task,Task {number},4,1,,,every day\r\n" for number in range(60)))

    short = run(str(file), "--project", "OPS", "--dry-run")
    whole = run(str(file), "--project", "OPS", "--dry-run", "--warnings")

    assert (short.count("  row "), "and 10 more" in short) == (50, True)
    assert whole.count("  row ") == 60
