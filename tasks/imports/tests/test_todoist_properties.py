"""Properties of the Todoist parser: any file gives a plan or a list of its errors."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import is_blank
from tasks.imports.plan import FileError, ImportPlan, UnreadableFile
from tasks.imports.todoist import parse

TODAY = date(2026, 11, 22)
COLUMNS = ["TYPE", "CONTENT", "PRIORITY", "INDENT", "AUTHOR", "RESPONSIBLE", "DATE", "DATE_LANG", "TIMEZONE"]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
words = texts.filter(lambda text: not is_blank(text))


@st.composite
def outlines(draw: st.DrawFn) -> list[list[str]]:
    """Rows as Todoist writes them: each task at most one level deeper than the one above, notes below tasks."""
    rows, depth = [], 0
    for _ in range(draw(st.integers(1, 12))):
        depth = draw(st.integers(1, min(depth + 1, 5)))
        priority, when = draw(st.sampled_from("1234")), draw(st.sampled_from(["", "4 Jan", "in 5 days", "every day"]))
        rows.append(["task", draw(words), priority, str(depth), "Alex (1)", "", when, "en", "Europe/Berlin"])
        rows += [["note", draw(words), "", "", "Alex (1)", "", "", "", ""] for _ in range(draw(st.integers(0, 2)))]
        rows.append([""] * 9)
    return rows


def written(rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([COLUMNS, *rows])
    return file.getvalue().encode("utf-8-sig")


def read(data: bytes) -> tuple[ImportPlan | None, tuple[FileError, ...]]:
    try:
        return parse(data, today=TODAY), ()
    except UnreadableFile as error:
        return None, error.errors


def ids(plan: ImportPlan) -> list[str]:
    return [record.external_id for task in plan.tasks for record in (task, *task.comments)]


@given(outlines())
def test_keeps_every_task_and_note_in_their_order(rows: list[list[str]]) -> None:
    plan = parse(written(rows), today=TODAY)
    depth: dict[str | None, int] = {None: 0}
    for task in plan.tasks:
        depth[task.external_id] = depth[task.parent_id] + 1

    assert [str(depth[task.external_id]) for task in plan.tasks] == [row[3] for row in rows if row[0] == "task"]
    assert plan.comment_count == sum(row[0] == "note" for row in rows)
    assert len(set(ids(plan))) == len(ids(plan))


@given(outlines(), outlines())
def test_longer_file_keeps_the_ids_of_the_shorter(rows: list[list[str]], more: list[list[str]]) -> None:
    before, after = parse(written(rows), today=TODAY), parse(written(rows + more), today=TODAY)

    assert ids(after)[: len(ids(before))] == ids(before)


@given(st.lists(st.lists(texts, max_size=10), max_size=8))
def test_any_table_is_read_or_refused(rows: list[list[str]]) -> None:
    plan, errors = read(written(rows))

    assert errors or (plan and (plan.tasks or plan.warnings))


@given(st.lists(st.tuples(st.sampled_from(["task", "note", "section", "meta"]), texts, st.sampled_from("12345"))))
@settings(max_examples=200)
def test_any_rows_of_known_types_are_read_or_refused(rows: list[tuple[str, str, str]]) -> None:
    data = written([[kind, text, "4", depth, text, text, text, "en", text] for kind, text, depth in rows])

    plan, errors = read(data)

    assert errors or (plan and len(plan.tasks) == sum(kind == "task" for kind, _, _ in rows))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        parse(data, today=TODAY)
