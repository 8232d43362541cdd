"""Work and reports of an import grow at most with its input."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import SafeString

from accounts.models import User
from core import markdown
from core.markdown import RENDERER_VERSION
from tasks.imports import csv_rows, services
from tasks.imports.plan import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    MAX_FILE_LABELS,
    MAX_ITEM_LENGTH,
    MAX_WARNINGS,
    UnreadableFile,
)
from tasks.imports.tests.conftest import HEADER, TODAY
from tasks.imports.todoist import parse
from tasks.imports.todoist_attachments import MAX_ATTACHMENTS, link_attachments
from tasks.items import drafts
from tasks.models import Label, Project, Task


def count_calls(work: Callable[[], object]) -> int:
    """Return how many Python and C functions `work` calls."""
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def rows(count: int) -> str:
    return "".join(f"task,Task {number} @label{number},4,1,,,9 Apr,de\r\nnote,Note\r\n" for number in range(count))


def wide_row(columns: int) -> bytes:
    names = [f"C{number}" for number in range(columns)]
    return (f"TYPE,CONTENT,PRIORITY,INDENT,{','.join(names)}\ntask,One,4,1,{','.join(names)}\n").encode()


def test_parsing_doubles_with_rows_columns_and_markers() -> None:
    inputs: list[tuple[str, Callable[[int], object]]] = [
        ("rows", lambda size: parse((HEADER + rows(size)).encode(), today=TODAY)),
        ("columns", lambda size: parse(wide_row(size // 4), today=TODAY)),
        ("cell", lambda size: parse((HEADER + f"task,{'@a ' * size * 20},4,1\n").encode(), today=TODAY)),
        ("warnings", lambda size: parse((HEADER + "task,One,4,1,,,every day\n" * size).encode(), today=TODAY)),
        ("markers", lambda size: link_attachments('[[file {"' * size)),
    ]
    for name, work in inputs:
        work(40)  # tables that are built once
        small, large = count_calls(lambda work=work: work(150)), count_calls(lambda work=work: work(300))

        assert large <= 2.1 * small, name


def test_file_beyond_a_bound_is_refused_by_name() -> None:
    bounds = [
        (wide_row(MAX_COLUMNS), f"more than {MAX_COLUMNS} columns"),
        ((HEADER + f"task,{'x' * (MAX_CELL_LENGTH + 1)},4,1\n").encode(), f"more than {MAX_CELL_LENGTH:,} characters"),
        (b"," * 120_000, "more than 100 columns"),
    ]
    for data, message in bounds:
        with pytest.raises(UnreadableFile, match=message):
            parse(data, today=TODAY)


def test_report_names_a_thousand_warnings_and_counts_all() -> None:
    plan = parse((HEADER + f"task,One,4,1,,,every {'x' * 2000}\n" * 3000).encode(), today=TODAY)

    assert (len(plan.warnings), plan.warning_count) == (MAX_WARNINGS, 3000)
    assert max(len(warning.item) for warning in plan.warnings) == MAX_ITEM_LENGTH


def test_file_brings_a_bounded_number_of_labels() -> None:
    plan = parse((HEADER + "".join(f"task,T @l{number},4,1\n" for number in range(1010))).encode(), today=TODAY)

    assert len({label for task in plan.tasks for label in task.labels}) == MAX_FILE_LABELS
    assert [warning.item for warning in plan.warnings] == [f"@l{number}" for number in range(1000, 1010)]


def test_attachments_after_the_first_fifty_stay_text() -> None:
    text, files = link_attachments('[[file {"file_name":"a"}]]' * 60)

    assert (len(files), text.count("[[file")) == (MAX_ATTACHMENTS, 10)


def test_queries_stay_the_same_when_the_file_doubles(alice: User, bob: User, project: Project) -> None:
    def queries(start: int, count: int) -> int:
        # Below a task that another import brought, with a label and an assignee of its own, and a letter that only
        # PostgreSQL knows how to write in lower case.
        text = "task,Root,4,1\r\n" + "".join(
            f"task,Task {number} @İ{number},4,2,,{('Bob', 'Alice')[number % 2]}\r\n"
            for number in range(start, start + count)
        )
        plan = parse((HEADER + text).encode(), today=TODAY)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            services.run_import(project_id=project.pk, actor=alice, plan=plan)
        return len(captured)

    queries(0, 1)

    assert queries(10, 20) == queries(100, 40)
    assert (Task.objects.count(), Label.objects.count()) == (62, 61)


def test_project_is_locked_for_the_write_alone(
    alice: User, project: Project, plan_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[bool] = []
    prepare = services._prepare

    def record(*arguments: object) -> object:
        locked.append(any("FOR" in query["sql"] for query in captured.captured_queries))
        return prepare(*arguments)

    monkeypatch.setattr(services, "_prepare", record)
    with CaptureQueriesContext(connection) as captured:
        services.run_import(project_id=project.pk, actor=alice, plan=plan_of("task,One,4,1\r\n"))

    assert locked == [False]


def test_header_is_searched_once_for_each_delimiter() -> None:
    delimiters = len(csv_rows.DELIMITERS + csv_rows.UNSUPPORTED_DELIMITERS)

    assert count_calls(lambda: csv_rows._find_delimiter("x," * 200_000, ["TYPE"], 1)) < 20 * delimiters * MAX_COLUMNS


def test_imported_markdown_is_rendered_before_the_lock(
    alice: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, locked = markdown.render, []

    def record(text: str) -> SafeString:
        locked.append(any("FOR" in query["sql"] for query in captured.captured_queries))
        return render(text)

    for module in (markdown, drafts):
        monkeypatch.setattr(module, "render", record)
    file = "TYPE,CONTENT,PRIORITY,INDENT,DESCRIPTION\ntask,One,4,1,**long**\nnote,*Note*,,,\n"
    with CaptureQueriesContext(connection) as captured:
        services.run_import(project_id=project.pk, actor=alice, plan=parse(file.encode(), today=TODAY))

    task = Task.objects.get()
    comment = task.comments.get()
    assert (locked, task.description_html_version, comment.body_html_version) == ([False] * 2, *[RENDERER_VERSION] * 2)
    assert "<strong>long</strong>" in task.description_html
    assert "<em>Note</em>" in comment.body_html
