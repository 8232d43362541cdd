"""The three files as Todoist wrote them; only the author's name was changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tasks.imports.plan import ImportPlan, UnreadableFile
from tasks.imports.todoist import parse

FILES = Path(__file__).parent / "data" / "todoist"
TODAY = date(2026, 11, 22)


def plan_of(name: str) -> ImportPlan:
    return parse((FILES / name).read_bytes(), today=TODAY)


def outline(plan: ImportPlan) -> list[tuple[int, str]]:
    depth: dict[str | None, int] = {None: 0}
    for task in plan.tasks:
        depth[task.external_id] = depth[task.parent_id] + 1
    return [(depth[task.external_id], task.title) for task in plan.tasks]


def test_reads_priority_label_date_and_parent() -> None:
    plan = plan_of("basic-test.csv")
    first, child, last = plan.tasks

    assert first.title == "test project task with deadline and all the other stuff"
    assert (first.priority, first.labels, first.due_date, first.due_at) == (4, ("errands",), date(2026, 11, 27), None)
    assert (child.title, child.priority, child.parent_id) == ("test project subtask", 0, first.external_id)
    assert (last.title, last.parent_id, last.comments) == ("test project alternate task", None, ())
    assert [comment.author for comment in first.comments] == ["Alex"] * 3


def test_links_a_file_and_reports_it() -> None:
    plan = plan_of("basic-test.csv")
    url = "https://d1x0mwiac2rqwt.cloudfront.net/2de68bc20a9e2dbf6f7c4faffbe115ec/as/edit.png"

    assert plan.tasks[0].comments[2].body == f"[edit.png](<{url}>)"
    assert [(loss.row, loss.item) for loss in plan.warnings] == [(5, f"edit.png ({url})")]


def test_reads_four_levels() -> None:
    plan = plan_of("full-todoist-project.csv")

    assert outline(plan) == [
        (1, "unclickable task"),
        (2, "clickable subtask, scheduled"),
        (2, "another subtask with a note"),
        (1, "task level one"),
        (2, "task level two"),
        (3, "task level three"),
        (4, "task level four"),
        (1, "task with various attachments"),
    ]


def test_reads_labels_and_a_day_without_a_year() -> None:
    scheduled = plan_of("full-todoist-project.csv").tasks[1]

    assert (scheduled.labels, scheduled.priority, scheduled.due_date) == (("30min", "/munich"), 3, date(2027, 1, 4))


def test_keeps_the_lines_of_a_note_with_the_task_above() -> None:
    task = plan_of("full-todoist-project.csv").tasks[4]

    assert [comment.body for comment in task.comments] == [
        "note for level two task\n\nwith a few linebreaks, \nof course"
    ]


def test_reports_the_untickable_row_and_each_file() -> None:
    warnings = plan_of("full-todoist-project.csv").warnings

    assert [loss.row for loss in warnings] == [2, 23, 24, 25]
    assert warnings[0].item == "* unclickable task"
    assert [loss.item.partition(" (")[0] for loss in warnings[1:]] == [
        "Screenshot 2017-01-02 00.44.50.png",
        "Test project for import to TaskPaper.csv",
        "Test project for import to TaskPaper.csv",
    ]


def test_identical_files_are_separate_comments() -> None:
    comments = plan_of("full-todoist-project.csv").tasks[-1].comments

    assert comments[1].body == comments[2].body
    assert comments[1].external_id != comments[2].external_id


def test_keeps_every_character() -> None:
    plan = plan_of("unicode-and-quotes.csv")

    assert [task.title for task in plan.tasks] == [
        "this is über-nice",
        "😎🍉↗︎↴⥺",
        'actually, what happens to a “comma"?',
    ]
    assert plan.tasks[0].comments[0].body == "also, some commas, “quotes” and ⚁♨︎🃃🁅🀐 in a note"
    assert plan.warnings == ()


@pytest.mark.parametrize("name", ["basic-test.csv", "full-todoist-project.csv", "unicode-and-quotes.csv"])
def test_same_file_has_the_same_ids_on_another_day(name: str) -> None:
    later = parse((FILES / name).read_bytes(), today=date(2027, 3, 1))

    assert [task.external_id for task in later.tasks] == [task.external_id for task in plan_of(name).tasks]


def test_modern_export_keeps_or_reports_every_cell() -> None:
    plan = plan_of("modern-columns.csv")

    assert [(warning.row, warning.item) for warning in plan.warnings] == [
        (2, "view_style=list"),
        (4, "IS_COLLAPSED: True"),
        (8, "Garden"),
        (8, "DESCRIPTION: What grows behind the house"),
    ]
    assert [(comment.body, comment.author, comment.written) for comment in plan.tasks[0].comments] == [
        ("Used the long key", "Kim", "2018-06-08 at 07:02 UTC"),
        ("It dripped again", "Kim", "2021-11-30 at 19:40 UTC"),
    ]
    assert (plan.tasks[1].labels, plan.tasks[1].due_date) == (("Garden",), date(2027, 7, 19))


def test_semicolons_tabs_and_separator_lines_are_read() -> None:
    data = (FILES / "semicolons.csv").read_bytes()
    expected = [("Buy paint", date(2027, 3, 1))]
    for written in (
        data,
        data.replace(b";", b"\t"),
        data.replace(b";", b","),
        b"sep=;\r\n" + data.removeprefix(b"\xef\xbb\xbf"),
    ):
        assert [(task.title, task.due_date) for task in parse(written, today=TODAY).tasks] == expected

    quoted = data.replace(b"TYPE;CONTENT", b'"TYPE";"CONTENT"').replace(b"Buy paint", b'"Buy, paint; now"')
    assert parse(quoted, today=TODAY).tasks[0].title == "Buy, paint; now"


def test_delimiter_of_another_kind_is_named_as_the_cause() -> None:
    data = (FILES / "semicolons.csv").read_bytes().replace(b";", b"|")
    with pytest.raises(UnreadableFile, match=r"separated by “.”; save the file with commas, semicolons or tabs"):
        parse(data, today=TODAY)


def test_cells_of_nameless_columns_and_other_rows_are_reported() -> None:
    header = b"TYPE,CONTENT,PRIORITY,INDENT,DATE,RESPONSIBLE,,\n"
    rows = b"task,One,4,1,,,left,right\nnote,Text,4,2,,Kim,,\nnote,,,,2018-06-08,,,\nsection,S,,,2027-01-01,,,\n"
    warnings = parse(header + rows, today=TODAY).warnings

    assert [warning.item for warning in warnings] == [
        "COLUMN 7: left", "COLUMN 8: right", "PRIORITY: 4", "INDENT: 2", "RESPONSIBLE: Kim", "DATE: 2018-06-08", "S",
        "DATE: 2027-01-01",
    ]  # fmt: skip
