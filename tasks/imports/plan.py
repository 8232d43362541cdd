"""Import plan: the result of every file parser, and the input of the import service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from core.errors import FieldError, Invalid
from core.text import truncate

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 50_000
MAX_COLUMNS = 100
MAX_CELL_LENGTH = 100_000
# Distinct labels of one file: each is a row that every page with a choice of labels lists.
MAX_FILE_LABELS = 1000
# The report names so many items, each cut to this length, and counts the others.
MAX_WARNINGS = 1000
MAX_ITEM_LENGTH = 500
MAX_REPORTED_ERRORS = 20


@dataclass(frozen=True, slots=True)
class ImportedComment:
    """One comment of the file; `author` is empty where the file names none."""

    row: int
    external_id: str
    body: str
    author: str = ""
    written: str = ""
    """When it was written, in the words of the file."""


@dataclass(frozen=True, slots=True)
class ImportedTask:
    """One task of the file; `parent_id` is the external id of a task that comes before it in the plan."""

    row: int
    external_id: str
    parent_id: str | None
    title: str
    description: str = ""
    priority: int = 0
    labels: tuple[str, ...] = ()
    author: str = ""
    responsible: str = ""
    estimate: int | None = None
    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    comments: tuple[ImportedComment, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversionWarning:
    """Something in the file that cannot be imported as it is: its row, the item, and what happens to it."""

    row: int
    item: str
    reason: str


@dataclass(slots=True)
class WarningLog:
    """The first MAX_WARNINGS warnings, and the number of all of them."""

    first: list[ConversionWarning] = field(default_factory=list)
    count: int = 0

    def add(self, row: int, item: str, reason: str) -> None:
        self.count += 1
        if len(self.first) < MAX_WARNINGS:
            self.first.append(ConversionWarning(row, truncate(item, MAX_ITEM_LENGTH), reason))


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Tasks to create, parents first, and what could not be converted: the first of it, and how much it is."""

    source: str
    tasks: tuple[ImportedTask, ...]
    warnings: tuple[ConversionWarning, ...]
    warning_count: int

    @property
    def comment_count(self) -> int:
        return sum(len(task.comments) for task in self.tasks)


@dataclass(frozen=True, slots=True)
class FileError:
    """A place that cannot be read; `row` counts as a spreadsheet does, the header being row 1."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{place}: {self.message}"


class UnreadableFile(Invalid):
    """The file cannot be imported as it is, and nothing was written. `errors` holds the first of its errors."""

    code = "unreadable_file"
    title = "The file cannot be read"

    def __init__(self, errors: Iterable[FileError]) -> None:
        self.errors = tuple(errors)[:MAX_REPORTED_ERRORS]
        super().__init__(
            " ".join(str(error) for error in self.errors),
            fields=[
                FieldError(f"file.{error.row}.{error.column}".rstrip("."), "invalid", str(error))
                for error in self.errors
            ],
        )
