"""Rows of a CSV file: encoding, grammar and header. Every error names the row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.text import normalize
from tasks.imports.plan import MAX_BYTES, MAX_ROWS, FileError, UnreadableFile

# What str.strip removes, and the byte order mark, which some programs write into cells too.
# Unicode has some twenty kinds of space; str.strip() alone would leave the byte order mark.
WHITESPACE = "\ufeff" + "".join(filter(str.isspace, map(chr, range(0x3001))))


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, and its cells by column name. Missing cells are empty."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip(WHITESPACE)


def read_rows(data: bytes, *, required: Sequence[str]) -> list[Row]:
    """Return the rows that are not blank, numbered as a spreadsheet does. Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile([FileError(1, "", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")])
    try:
        # With or without a byte order mark, which Excel writes and Todoist does not.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFile([FileError(line, "", "The file is not UTF-8; save it as UTF-8 again.")]) from None
    text = normalize(text)
    # PostgreSQL stores no NUL in a text.
    if (place := text.find("\0")) >= 0:
        raise UnreadableFile([FileError(text.count("\n", 0, place) + 1, "", "There is a NUL character on this line.")])

    records = enumerate(_records(text), start=1)
    _, header = next(records, (1, []))
    columns = [cell.strip(WHITESPACE).upper() for cell in header]
    missing = [name for name in required if name not in columns]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    errors = [
        FileError(1, name, "This doesn't look like a Todoist export: this column is missing.") for name in missing
    ]
    errors += [FileError(1, name, "This column is there twice.") for name in twice]
    if errors:
        raise UnreadableFile(errors)

    rows = []
    for number, cells in records:
        if not any(cell.strip(WHITESPACE) for cell in cells):
            continue
        if any(cell.strip(WHITESPACE) for cell in cells[len(columns) :]):
            message = "This row has more cells than the header; is a quote missing?"
            raise UnreadableFile([FileError(number, "", message)])
        rows.append(Row(number, dict(zip(columns, cells, strict=False))))
    if not rows:
        raise UnreadableFile([FileError(1, "", "There is nothing below the header.")])
    return rows


def _records(text: str) -> Iterator[list[str]]:
    # strict: a quote in the wrong place is an error instead of a part of the cell.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            if number > MAX_ROWS + 1:
                raise UnreadableFile([FileError(number, "", f"The file has more than {MAX_ROWS:,} rows.")])
            yield record
    except csv.Error as error:
        raise UnreadableFile([FileError(number + 1, "", f"This row is not valid CSV ({error}).")]) from None
