from __future__ import annotations

from datetime import date

import pytest

from tasks.imports.plan import UnreadableFile
from tasks.imports.todoist import parse

HEADER = "TYPE,CONTENT,PRIORITY,INDENT\r\n"


def faults_of(data: bytes | str) -> list[tuple[int, str]]:
    raw = data.encode() if isinstance(data, str) else data
    with pytest.raises(UnreadableFile) as error:
        parse(raw, today=date(2026, 11, 22))
    return [(fault.row, fault.column) for fault in error.value.errors]


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (b"", [(1, "TYPE"), (1, "CONTENT"), (1, "PRIORITY"), (1, "INDENT")]),
        (HEADER, [(1, "")]),
        ("TYPE,CONTENT\ntask,Buy milk\n", [(1, "PRIORITY"), (1, "INDENT")]),
        ("TYPE;CONTENT\ntask;a\n", [(1, "TYPE"), (1, "CONTENT"), (1, "PRIORITY"), (1, "INDENT")]),
        ("TYPE;CONTENT;PRIORITY;INDENT\ntask;a;9;1\n", [(2, "PRIORITY")]),
        ("sep=;\nTYPE;CONTENT;PRIORITY;INDENT\ntask;a;9;1\n", [(3, "PRIORITY")]),
        ("TYPE|CONTENT|PRIORITY|INDENT\ntask|a|1|1\n", [(1, "")]),
        ("TYPE,CONTENT,PRIORITY,INDENT,TYPE\ntask,a,1,1,\n", [(1, "TYPE")]),
        (HEADER.encode() + b"task,caf\xe9,1,1\r\n", [(2, "")]),
        ("\ufeff".encode("utf-16-le") + HEADER.encode("utf-16-le"), [(1, "")]),
        (HEADER + "task,one,4,1\r\ntask,two\0,4,1\r\n", [(3, "")]),
        (HEADER + "task,one,4,3\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,4,1\r\n,,,\r\ntask,two,4,3\r\n", [(4, "INDENT")]),
        (HEADER + "task,one,4,6\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,4,0\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,4,-1\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,4,²\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,4,one\r\n", [(2, "INDENT")]),
        (HEADER + "task,one,5,1\r\n", [(2, "PRIORITY")]),
        (HEADER + "task,one,high,1\r\n", [(2, "PRIORITY")]),
        (HEADER + "task,,4,1\r\n", [(2, "CONTENT")]),
        (HEADER + "label,one,4,1\r\n", [(2, "TYPE")]),
        (HEADER + 'task,"one,4,1\r\n', [(2, "")]),
        (HEADER + 'task,"o"ne,4,1\r\n', [(2, "")]),
        (HEADER + "task,one,4,1,surplus\r\n", [(2, "")]),
        (HEADER + f"task,{'x' * 140_000},4,1\r\n", [(2, "")]),
        (HEADER + "section,Next\r\ntask,one,4,2\r\n", [(3, "INDENT")]),
    ],
)
def test_says_which_row_and_column(data: bytes | str, errors: list[tuple[int, str]]) -> None:
    assert faults_of(data) == errors


def test_names_every_fault_at_once() -> None:
    rows = HEADER + "task,one,9,1\r\ntask,,4,1\r\nwish,three,4,1\r\n"

    assert faults_of(rows) == [(2, "PRIORITY"), (3, "CONTENT"), (4, "TYPE")]


def test_fault_does_not_blame_the_rows_below_it() -> None:
    rows = HEADER + "task,one,9,1\r\ntask,two,4,2\r\ntask,three,4,3\r\n"

    assert faults_of(rows) == [(2, "PRIORITY")]


def test_names_twenty_faults_at_most() -> None:
    assert len(faults_of(HEADER + "task,one,9,1\r\n" * 100)) == 20


def test_refuses_more_than_ten_megabytes() -> None:
    assert faults_of(HEADER.encode() + b"task,one,4,1\n" * 850_000) == [(1, "")]


def test_refuses_more_than_fifty_thousand_rows() -> None:
    assert faults_of(HEADER + "task,one,4,1\n" * 50_001) == [(50_002, "")]


def test_message_is_a_sentence_with_the_place() -> None:
    with pytest.raises(UnreadableFile) as error:
        parse((HEADER + "task,one,4,3\r\n").encode(), today=date(2026, 11, 22))

    assert str(error.value) == "Row 2, INDENT: 3 is too deep: there is no task above."
    assert [field.field for field in error.value.fields] == ["file.2.INDENT"]
