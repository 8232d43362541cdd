"""Rows of a CSV file: encoding, delimiter, grammar and header. Every error names the row and column."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from core.text import normalize
from tasks.imports.plan import MAX_BYTES, MAX_CELL_LENGTH, MAX_COLUMNS, MAX_ROWS, FileError, UnreadableFile

# What str.strip removes, and the byte order mark, which some programs write into cells too.
# Unicode has some twenty kinds of space; str.strip() alone would leave the byte order mark.
WHITESPACE = "\ufeff" + "".join(filter(str.isspace, map(chr, range(0x3001))))
# Spreadsheets write the list separator of their region; Todoist writes commas.
DELIMITERS = ",;\t"
UNSUPPORTED_DELIMITERS = "|:^~"
# The first line by which Excel names its delimiter.
SEPARATOR_LINE = re.compile(r"sep=(?P<delimiter>.)\n")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, and its cells by column name. Missing cells are empty."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip(WHITESPACE)


def read_rows(data: bytes, *, required: Sequence[str]) -> Iterator[Row]:
    """Yield the rows that are not blank, numbered as a spreadsheet does. Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            [
                FileError(
                    1,
                    "",
                    gettext("The file is larger than %(max_bytes)s MB.") % {"max_bytes": MAX_BYTES // 1024 // 1024},
                )
            ]
        )
    try:
        # With or without a byte order mark, which Excel writes and Todoist does not.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFile([FileError(line, "", gettext("The file is not UTF-8; save it as UTF-8 again."))]) from None
    text = normalize(text)
    # PostgreSQL stores no NUL in a text.
    if (place := text.find("\0")) >= 0:
        raise UnreadableFile(
            [FileError(text.count("\n", 0, place) + 1, "", gettext("There is a NUL character on this line."))]
        )

    first_row = 1
    if separator := SEPARATOR_LINE.match(text):
        text, first_row = text[separator.end() :], 2
    delimiter = _find_delimiter(text, required, first_row)
    records = enumerate(_records(text, delimiter, first_row), start=first_row)
    _, header = next(records, (first_row, []))
    columns = _read_header(header, required, first_row)

    is_empty = True
    for number, cells in records:
        if not any(cell.strip(WHITESPACE) for cell in cells):
            continue
        if any(cell.strip(WHITESPACE) for cell in cells[len(columns) :]):
            message = gettext("This row has more cells than the header; is a quote missing?")
            raise UnreadableFile([FileError(number, "", message)])
        is_empty = False
        yield Row(number, dict(zip(columns, cells, strict=False)))
    if is_empty:
        raise UnreadableFile([FileError(first_row, "", gettext("There is nothing below the header."))])


def _find_delimiter(text: str, required: Sequence[str], row: int) -> str:
    """Return the delimiter with which the header names the required columns, or a comma."""
    header = text.partition("\n")[0]
    for delimiter in DELIMITERS + UNSUPPORTED_DELIMITERS:
        names = {cell.strip(WHITESPACE + '"').upper() for cell in header.split(delimiter, MAX_COLUMNS)}
        if names.issuperset(required):
            if delimiter in UNSUPPORTED_DELIMITERS:
                message = gettext(
                    "The columns are separated by “%(delimiter)s”; save the file with commas, semicolons or tabs."
                ) % {"delimiter": delimiter}
                raise UnreadableFile([FileError(row, "", message)])
            return delimiter
    return ","


def _read_header(header: list[str], required: Sequence[str], row: int) -> list[str]:
    """Return the names of the columns; raises UnreadableFile for too many, missing and repeated ones."""
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile(
            [
                FileError(
                    row, "", gettext("The file has more than %(max_columns)s columns.") % {"max_columns": MAX_COLUMNS}
                )
            ]
        )
    # A column without a name gets one, so that two of them do not hide each other's cells.
    columns = [cell.strip(WHITESPACE).upper() or f"COLUMN {number}" for number, cell in enumerate(header, start=1)]
    missing = [name for name in required if name not in columns]
    twice = sorted(name for name, count in Counter(columns).items() if count > 1)
    errors = [
        FileError(row, name, gettext("This doesn't look like a Todoist export: this column is missing."))
        for name in missing
    ]
    errors += [FileError(row, name, gettext("This column is there twice.")) for name in twice]
    if errors:
        raise UnreadableFile(errors)
    return columns


def _records(text: str, delimiter: str, first_row: int) -> Iterator[list[str]]:
    # strict: a quote in the wrong place is an error instead of a part of the cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = first_row - 1
    try:
        for number, record in enumerate(reader, start=first_row):
            if number > MAX_ROWS + first_row:
                raise UnreadableFile([FileError(number, "", f"The file has more than {MAX_ROWS:,} rows.")])
            if any(len(cell) > MAX_CELL_LENGTH for cell in record):
                message = f"A cell has more than {MAX_CELL_LENGTH:,} characters."
                raise UnreadableFile([FileError(number, "", message)])
            yield record
    except csv.Error as error:
        raise UnreadableFile(
            [FileError(number + 1, "", gettext("This row is not valid CSV (%(error)s).") % {"error": error})]
        ) from None
