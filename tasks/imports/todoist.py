"""Parser of Todoist's CSV files: those of "Export as a template" and of its help page.

Mapping:

    CONTENT           title; `@label` words become labels, the mark `* ` of an untickable row is reported
    DESCRIPTION       description
    PRIORITY 1 2 3 4  urgent, high, medium, none: 1 is Todoist's p1, the highest; 4 is the default of a task
    INDENT            parent: one deeper than the task above is its child
    note rows         comments on the task above, which name their author and day; a file in a note becomes a Markdown
                      link and is reported
    section rows      a label on every task of the section
    any other cell    a line of the report
    DATE, TIMEZONE    due_date, or due_at when a time is given; repetition is reported and kept in the description
    DEADLINE          due_date, with DATE as start_date beside it
    DURATION          estimate, when it is in minutes
    RESPONSIBLE       matched with the members of the project when the plan is carried out

An empty PRIORITY means none here, although Todoist itself would read p1: an empty cell does not mean "urgent".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo

from django.utils.translation import gettext, gettext_noop

from core.security.hashing import sha256_hex
from core.text import is_blank, truncate
from core.validators import CONTROL_CHARACTERS
from tasks.imports.csv_rows import Row, read_rows
from tasks.imports.date_parser import parse_date
from tasks.imports.plan import (
    MAX_FILE_LABELS,
    MAX_REPORTED_ERRORS,
    FileError,
    ImportedComment,
    ImportedTask,
    ImportPlan,
    UnreadableFile,
    WarningLog,
)
from tasks.imports.todoist_attachments import link_attachments
from tasks.imports.todoist_schedule import parse_schedule

SOURCE = "todoist"
REQUIRED_COLUMNS = ("TYPE", "CONTENT", "PRIORITY", "INDENT")
# Of each type of row the columns that are imported, or that say nothing alone; whatever else is written is reported.
IMPORTED_COLUMNS = {
    "task": {
        *REQUIRED_COLUMNS, "DESCRIPTION", "AUTHOR", "RESPONSIBLE", "DATE", "DATE_LANG", "TIMEZONE",
        "DURATION", "DURATION_UNIT", "DEADLINE", "DEADLINE_LANG",
    },
    "note": {"TYPE", "CONTENT", "AUTHOR", "DATE", "DATE_LANG", "TIMEZONE"},
    "section": {"TYPE", "CONTENT"},
    "meta": {"TYPE", "CONTENT"},
}  # fmt: skip
# How Todoist shows a row. It is the same for many of them, and reported once.
VIEW_COLUMNS = {"IS_COLLAPSED": gettext_noop("Whether Todoist shows it folded is not imported.")}
# Todoist counts from 1, the most urgent, to 4, which is its "none".
PRIORITY_MAP = {"": 0, "1": 4, "2": 3, "3": 2, "4": 0}
PROGRESS_INTERVAL = 1000
MAX_INDENT = 5
MAX_QUOTE_LENGTH = 40
INDENTS = {str(depth) for depth in range(1, MAX_INDENT + 1)}
MAX_TITLE_LENGTH = 500
MAX_LABEL_LENGTH = 60
MAX_LABELS = 20
# A little less than the database takes: the import may add who wrote it, or whose it was.
MAX_DESCRIPTION_LENGTH = 49_500
MAX_COMMENT_LENGTH = 19_500
# An @ within a word, as in an address, begins no label; punctuation at the end belongs to the sentence.
LABEL_PATTERN = re.compile(r"(?<!\S)@(?P<name>\S*[^\s.,;:!?)])")


def parse(
    data: bytes, *, today: date, zone: tzinfo = UTC, progress: Callable[[int], object] | None = None
) -> ImportPlan:
    """Return the import plan of a file. Raises UnreadableFile, which names the rows and columns at fault.

    Relative dates count from `today`; a time of day without a TIMEZONE is meant in `zone`. `progress` is called every
    thousand rows.
    """
    parser = _TodoistParser(today=today, zone=zone)
    # At most MAX_ROWS of them; the errors after MAX_REPORTED_ERRORS would not be shown.
    for row in read_rows(data, required=REQUIRED_COLUMNS):
        parser.take(row)
        if progress and row.number % PROGRESS_INTERVAL == 0:
            progress(row.number)
        if len(parser.errors) >= MAX_REPORTED_ERRORS:
            break
    if parser.errors:
        raise UnreadableFile(parser.errors)
    return parser.plan()


@dataclass
class _TodoistParser:
    """State of parsing from the top: the open branch of tasks, the section, the identities so far."""

    today: date
    zone: tzinfo
    section: str = ""
    branch: list[str] = field(default_factory=list)
    tasks: list[ImportedTask] = field(default_factory=list)
    comments: dict[str, list[ImportedComment]] = field(default_factory=lambda: defaultdict(list))
    warnings: WarningLog = field(default_factory=WarningLog)
    reported_views: set[str] = field(default_factory=set)
    file_labels: set[str] = field(default_factory=set)
    errors: list[FileError] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def plan(self) -> ImportPlan:
        """Return the tasks with their comments, and the warnings, of the rows taken so far."""
        tasks = (replace(task, comments=tuple(self.comments[task.external_id])) for task in self.tasks)
        return ImportPlan(SOURCE, tuple(tasks), tuple(self.warnings.first), self.warnings.count)

    def take(self, row: Row) -> None:
        """Add one row. Problems are collected, so that a user sees all of them at once."""
        kind = row["TYPE"].lower()
        match kind:
            case "task":
                self._take_task(row)
            case "note":
                self._take_note(row)
            case "section":
                # Cut here and not at each of its tasks: they may be many, and it may be long.
                self.section, self.branch = self._cut_label(row, row["CONTENT"]), []
                if self.section:
                    reason = gettext("TaskFlow has no sections. Its tasks get a label with this name.")
                    self._warn(row, self.section, reason)
            case "meta":
                self._warn(row, row["CONTENT"], gettext("How Todoist shows the project is not imported."))
            case other:
                self.errors.append(
                    FileError(
                        row.number,
                        "TYPE",
                        gettext("“%(max_quote_length)s” is not task, note or section.")
                        % {"max_quote_length": truncate(other, MAX_QUOTE_LENGTH)},
                    )
                )
        for column in row.cells:
            if column in IMPORTED_COLUMNS.get(kind, REQUIRED_COLUMNS) or not row[column]:
                continue
            if column not in VIEW_COLUMNS:
                known = column in IMPORTED_COLUMNS["task"]
                reason = (
                    gettext("This is not imported for a %(kind)s.") % {"kind": kind}
                    if known
                    else gettext("This column is not known here.")
                )
                self._warn(row, f"{column}: {row[column]}", reason)
            elif row[column].lower() != "false" and column not in self.reported_views:
                self.reported_views.add(column)
                self._warn(row, f"{column}: {row[column]}", VIEW_COLUMNS[column])

    def _take_task(self, row: Row) -> None:
        content, indent = row["CONTENT"], row["INDENT"] or "1"
        depth = int(indent) if indent in INDENTS else None
        if depth is None:
            message = gettext("“%(max_quote_length)s” is not a number from 1 to %(max_indent)s.") % {
                "max_quote_length": truncate(indent, MAX_QUOTE_LENGTH),
                "max_indent": MAX_INDENT,
            }
            self.errors.append(FileError(row.number, "INDENT", message))
        elif depth > len(self.branch) + 1:
            above = f"the task above has {len(self.branch)}" if self.branch else "there is no task above"
            self.errors.append(
                FileError(
                    row.number,
                    "INDENT",
                    gettext("%(indent)s is too deep: %(above)s.") % {"indent": indent, "above": above},
                )
            )
            depth = None
        priority = PRIORITY_MAP.get(row["PRIORITY"])
        if priority is None:
            message = gettext("“%(max_quote_length)s” is not a number from 1 to 4.") % {
                "max_quote_length": truncate(row["PRIORITY"], MAX_QUOTE_LENGTH)
            }
            self.errors.append(FileError(row.number, "PRIORITY", message))
        if is_blank(content):
            self.errors.append(FileError(row.number, "CONTENT", gettext("A task needs a title.")))
        if depth is None:
            return
        # The branch grows even below a row at fault, so that one error does not lead to others further down.
        parent = self.branch[depth - 2] if depth > 1 else None
        external_id = self._identify(parent or "", content)
        # Everything deeper than this row is closed by it.
        self.branch[depth - 1 :] = [external_id]
        if priority is None:
            return
        schedule = parse_schedule(row, today=self.today, zone=self.zone)
        for item, reason in schedule.warnings:
            self._warn(row, item, reason)
        title, labels, full_title = self._title(row)
        task = ImportedTask(
            row=row.number,
            external_id=external_id,
            parent_id=parent,
            title=title,
            description=self._text(row, [row["DESCRIPTION"], *full_title, *schedule.notes], MAX_DESCRIPTION_LENGTH),
            estimate=schedule.estimate,
            priority=priority,
            labels=labels,
            author=_author_name(row["AUTHOR"]),
            responsible=_author_name(row["RESPONSIBLE"]),
            start_date=schedule.start_date,
            due_date=schedule.due_date,
            due_at=schedule.due_at,
        )
        self.tasks.append(task)

    def _title(self, row: Row) -> tuple[str, tuple[str, ...], list[str]]:
        """Return the title, its labels, and the whole title if it was cut. The last is for the description."""
        content = CONTROL_CHARACTERS.sub(" ", row["CONTENT"])
        if content.startswith("* ") and content[2:].strip():
            content = content[2:]
            self._warn(
                row, row["CONTENT"], gettext("It cannot be ticked off in Todoist; here it is a task like any other.")
            )
        words = " ".join(LABEL_PATTERN.sub("", content).split()) or " ".join(content.split())
        # Labels that differ in case only are one label here.
        labels_by_key: dict[str, str] = {}
        for raw_name in [self.section, *LABEL_PATTERN.findall(content)]:
            short_name = self._cut_label(row, raw_name)
            key = short_name.casefold()
            if key and key not in self.file_labels and len(self.file_labels) >= MAX_FILE_LABELS:
                self._warn(row, f"@{short_name}", f"A file brings at most {MAX_FILE_LABELS:,} labels.")
            elif key:
                self.file_labels.add(key)
                labels_by_key.setdefault(key, short_name)
        labels = tuple(labels_by_key.values())
        if len(labels) > MAX_LABELS:
            self._warn(
                row,
                ", ".join(labels[MAX_LABELS:]),
                gettext("A task takes at most %(max_labels)s labels from a file.") % {"max_labels": MAX_LABELS},
            )
        labels = labels[:MAX_LABELS]
        if len(words) <= MAX_TITLE_LENGTH:
            return words, labels, []
        self._warn(
            row,
            truncate(words, MAX_QUOTE_LENGTH),
            gettext("A title has at most %(max_title_length)s characters; the description has it all.")
            % {"max_title_length": MAX_TITLE_LENGTH},
        )
        return truncate(words, MAX_TITLE_LENGTH), labels, [words]

    def _cut_label(self, row: Row, raw_name: str) -> str:
        name = " ".join(CONTROL_CHARACTERS.sub(" ", raw_name).split())
        if len(name) > MAX_LABEL_LENGTH:
            self._warn(
                row,
                name,
                gettext("A label has at most %(max_label_length)s characters; it was cut.")
                % {"max_label_length": MAX_LABEL_LENGTH},
            )
        return truncate(name, MAX_LABEL_LENGTH)

    def _take_note(self, row: Row) -> None:
        text, files = link_attachments(row["CONTENT"])
        body = self._text(row, [text], MAX_COMMENT_LENGTH)
        if not self.branch:
            written = ", ".join(filter(None, [_author_name(row["AUTHOR"]), row["DATE"]]))
            item = f"{row['CONTENT']} ({written})" if written else row["CONTENT"]
            self._warn(row, item, gettext("There is no task above this note for it to belong to."))
            return
        for file in files:
            item = f"{file.name} ({file.url})" if file.url else file.name
            self._warn(row, item, gettext("The file itself is not in the export; the comment links to it."))
        if body:
            # “note” tells a comment from a subtask of the same text.
            identity = self._identify(f"{self.branch[-1]} note", row["CONTENT"])
            self.comments[self.branch[-1]].append(
                ImportedComment(row.number, identity, body, _author_name(row["AUTHOR"]), self._written(row["DATE"]))
            )
        elif row["DATE"]:
            self._warn(row, f"DATE: {row['DATE']}", gettext("A note without text is not imported."))

    def _written(self, text: str) -> str:
        """Return when a note was written; text that is no date stays as it is."""
        date_of_note = parse_date(text, self.today)
        if date_of_note is None:
            return truncate(text, MAX_QUOTE_LENGTH)
        clock = f" at {date_of_note.clock:%H:%M}" if date_of_note.clock else ""
        return f"{date_of_note.day:%Y-%m-%d}{clock}{' UTC' if date_of_note.utc else ''}"

    def _text(self, row: Row, parts: Iterable[str], max_length: int) -> str:
        text = "\n\n".join(part.replace("\r\n", "\n").replace("\r", "\n").strip() for part in parts if part.strip())
        if len(text) <= max_length:
            return text
        self._warn(row, text[max_length - 1 :], f"A text has at most {max_length:,} characters here; this end was cut.")
        return truncate(text, max_length)

    def _identify(self, parent: str, content: str) -> str:
        """Return an id of a place in the outline; a longer file gives the same id to the same place."""
        # By content and place, since the file has no ids: the same title may occur twice below one parent.
        place = f"{parent}\n{content}"
        self.seen[place] += 1
        return sha256_hex(f"{place}\n{self.seen[place]}")

    def _warn(self, row: Row, item: str, reason: str) -> None:
        self.warnings.add(row.number, item, reason)


def _author_name(text: str) -> str:
    """Return a name without the number that Todoist appends: "Alex (1000001)" is Alex."""
    # Only a number in brackets: "Alex (Sales)" is the whole name.
    name, _, number = text.rpartition("(")
    return name.strip() if number[:-1].isdigit() and number.endswith(")") else text
