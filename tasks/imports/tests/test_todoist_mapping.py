from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tasks.imports.plan import ImportedTask, ImportPlan
from tasks.imports.todoist import parse

TODAY = date(2026, 11, 22)


def file_of(*rows: dict[str, str]) -> bytes:
    columns = list(dict.fromkeys(["TYPE", "CONTENT", "PRIORITY", "INDENT", *(name for row in rows for name in row)]))
    written = io.StringIO()
    writer = csv.DictWriter(written, columns)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def plan_of(*rows: dict[str, str]) -> ImportPlan:
    return parse(file_of(*rows), today=TODAY, zone=ZoneInfo("Europe/Madrid"))


def task_of(**cells: str) -> ImportedTask:
    return plan_of({"TYPE": "task", "CONTENT": "Write the report", **cells}).tasks[0]


def losses_of(**cells: str) -> list[str]:
    return [loss.item for loss in plan_of({"TYPE": "task", "CONTENT": "Write the report", **cells}).warnings]


@pytest.mark.parametrize(("written", "priority"), [("1", 4), ("2", 3), ("3", 2), ("4", 0), ("", 0)])
def test_p1_is_urgent(written: str, priority: int) -> None:
    assert task_of(PRIORITY=written).priority == priority


@pytest.mark.parametrize(
    ("content", "title", "labels"),
    [
        ("Call Ann @phone", "Call Ann", ("phone",)),
        ("@phone Call Ann", "Call Ann", ("phone",)),
        ("Call @phone, then write @mail", "Call , then write", ("phone", "mail")),
        ("Mail ann@example.com", "Mail ann@example.com", ()),
        ("Meet @ five", "Meet @ five", ()),
        ("@errands", "@errands", ("errands",)),
        ("Pay @Home @home", "Pay", ("Home",)),
        ("Buy  milk", "Buy milk", ()),
    ],
)
def test_words_with_an_at_sign_are_labels(content: str, title: str, labels: tuple[str, ...]) -> None:
    task = task_of(CONTENT=content)

    assert (task.title, task.labels) == (title, labels)


def test_section_is_a_label_of_its_tasks_and_is_reported() -> None:
    plan = plan_of(
        {"TYPE": "task", "CONTENT": "Before"},
        {"TYPE": "section", "CONTENT": "This week"},
        {"TYPE": "task", "CONTENT": "After @home"},
    )

    assert [task.labels for task in plan.tasks] == [(), ("This week", "home")]
    assert [(loss.row, loss.item) for loss in plan.warnings] == [(3, "This week")]


def test_time_belongs_to_the_zone_of_its_row() -> None:
    task = task_of(DATE="tomorrow at 16:00", DATE_LANG="en", TIMEZONE="Europe/Berlin")

    assert (task.due_date, task.due_at) == (None, datetime(2026, 11, 23, 15, tzinfo=UTC))


def test_time_without_a_zone_belongs_to_the_importer() -> None:
    assert task_of(DATE="2026-07-01 09:00").due_at == datetime(2026, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "x" * 400])
def test_unknown_zone_is_reported(zone: str) -> None:
    cells = {"DATE": "2026-07-01 09:00", "TIMEZONE": zone}

    assert task_of(**cells).due_at == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert losses_of(**cells) == [f"Timezone: {zone}"]


def test_repetition_is_kept_in_words_and_reported() -> None:
    cells = {"DATE": "every monday at 9am", "DATE_LANG": "en", "DESCRIPTION": "Before the stand-up."}

    assert task_of(**cells).description == "Before the stand-up.\n\nDate: every monday at 9am (from Todoist)"
    assert (task_of(**cells).due_date, task_of(**cells).due_at) == (None, None)
    assert losses_of(**cells) == ["Date: every monday at 9am"]


@pytest.mark.parametrize(
    ("written", "language"), [("luego", "es"), ("4 jan", "xx"), ("1/2/2027", "en"), ("1/2/2027", "de")]
)
def test_unparsed_date_is_kept_in_description(written: str, language: str) -> None:
    cells = {"DATE": written, "DATE_LANG": language}

    assert task_of(**cells).due_date is None
    assert task_of(**cells).description == f"Date: {written} (from Todoist)"
    assert losses_of(**cells) == [f"Date: {written}"]


def test_date_that_begins_with_its_year_is_read_in_its_language() -> None:
    cells = {"DATE": "2027年1月4日 午後4時", "DATE_LANG": "ja", "TIMEZONE": "Asia/Tokyo"}

    assert task_of(**cells).due_at == datetime(2027, 1, 4, 7, tzinfo=UTC)
    assert losses_of(**cells) == []


def test_iso_date_is_read_in_every_language() -> None:
    assert task_of(DATE="2027-01-04", DATE_LANG="es").due_date == date(2027, 1, 4)
    assert losses_of(DATE="2027-01-04", DATE_LANG="es") == []


def test_deadline_is_due_and_the_date_starts() -> None:
    task = task_of(DATE="2027-01-04", DEADLINE="2027-01-09")

    assert (task.start_date, task.due_date) == (date(2027, 1, 4), date(2027, 1, 9))


def test_date_after_its_deadline_is_reported() -> None:
    cells = {"DATE": "2027-01-10", "DEADLINE": "2027-01-09"}

    assert (task_of(**cells).start_date, task_of(**cells).due_date) == (None, date(2027, 1, 9))
    assert losses_of(**cells) == ["Date: 2027-01-10"]


def test_duration_in_minutes_is_the_estimate() -> None:
    assert task_of(DURATION="30", DURATION_UNIT="minute").estimate == 30
    assert losses_of(DURATION="30", DURATION_UNIT="minute") == []


@pytest.mark.parametrize(
    ("duration", "unit"), [("2", "day"), ("long", "minute"), ("9999999", "minute"), ("٣", "minute")]
)
def test_any_other_duration_is_reported(duration: str, unit: str) -> None:
    assert task_of(DURATION=duration, DURATION_UNIT=unit).estimate is None
    assert losses_of(DURATION=duration, DURATION_UNIT=unit) == [f"Duration: {duration} {unit}"]


def test_no_duration_is_no_loss() -> None:
    assert losses_of(DURATION="", DURATION_UNIT="None") == []


def test_task_takes_twenty_labels() -> None:
    content = "Sort " + " ".join(f"@box{number}" for number in range(22))

    assert len(task_of(CONTENT=content).labels) == 20
    assert losses_of(CONTENT=content) == ["box20, box21"]


def test_long_label_is_cut_and_reported() -> None:
    assert task_of(CONTENT="Sort @" + "x" * 70).labels == ("x" * 59 + "…",)
    assert losses_of(CONTENT="Sort @" + "x" * 70) == ["x" * 70]


def test_long_text_is_cut_and_its_end_reported() -> None:
    task, lost = task_of(DESCRIPTION="x" * 49_600), losses_of(DESCRIPTION="x" * 49_600)

    assert (len(task.description), lost) == (49_500, ["x" * 101])


def test_unknown_columns_and_types_are_reported() -> None:
    assert losses_of(MOOD="sunny") == ["MOOD: sunny"]
    assert losses_of(MOOD="") == []


def test_layout_of_the_project_is_reported() -> None:
    plan = plan_of({"TYPE": "meta", "CONTENT": "view_style=board"}, {"TYPE": "task", "CONTENT": "Only"})

    assert [(loss.row, loss.item) for loss in plan.warnings] == [(2, "view_style=board")]


def test_note_before_any_task_is_reported_with_its_text() -> None:
    plan = plan_of({"TYPE": "note", "CONTENT": "About the project"}, {"TYPE": "task", "CONTENT": "Only"})

    assert [(loss.row, loss.item) for loss in plan.warnings] == [(2, "About the project")]
    assert plan.tasks[0].comments == ()


def test_long_title_is_whole_in_the_description() -> None:
    task = task_of(CONTENT="word " * 150)

    assert (len(task.title), task.title[-1]) == (500, "…")
    assert task.description == ("word " * 150).strip()
    assert len(losses_of(CONTENT="word " * 150)) == 1


def test_names_people_without_their_numbers() -> None:
    plan = plan_of(
        {"TYPE": "task", "CONTENT": "One", "AUTHOR": "Alex (1000001)", "RESPONSIBLE": "Sam (the second) (7)"},
        {"TYPE": "task", "CONTENT": "Two", "AUTHOR": "alex@example.com", "RESPONSIBLE": "Kim (home)"},
    )

    assert [(task.author, task.responsible) for task in plan.tasks] == [
        ("Alex", "Sam (the second)"),
        ("alex@example.com", "Kim (home)"),
    ]


def test_five_levels_are_read() -> None:
    plan = plan_of(*({"TYPE": "task", "CONTENT": f"Level {depth}", "INDENT": str(depth)} for depth in range(1, 6)))

    assert [task.parent_id for task in plan.tasks] == [None, *(task.external_id for task in plan.tasks[:-1])]


def test_grown_file_keeps_the_ids_it_had() -> None:
    rows = [
        {"TYPE": "task", "CONTENT": "One"},
        {"TYPE": "note", "CONTENT": "A note"},
        {"TYPE": "task", "CONTENT": "Two", "INDENT": "2"},
        {"TYPE": "task", "CONTENT": "Two", "INDENT": "2"},
    ]
    grown = [{"TYPE": "task", "CONTENT": "Zero"}, *rows, {"TYPE": "note", "CONTENT": "New"}]

    before, after = plan_of(*rows), plan_of(*grown)

    assert [task.external_id for task in after.tasks[1:]] == [task.external_id for task in before.tasks]
    assert after.tasks[1].comments == (
        before.tasks[0].comments[0].__class__(4, before.tasks[0].comments[0].external_id, "A note"),
    )
    assert len({task.external_id for task in after.tasks}) == 4
