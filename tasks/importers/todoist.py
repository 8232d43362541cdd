"""Reads the CSV files that Todoist writes ("Export as a template") and the ones its help page describes.

What becomes what:

    CONTENT           title; `@label` words become labels, the mark `* ` of an untickable row is reported
    DESCRIPTION       description
    PRIORITY 1 2 3 4  urgent, high, medium, none: 1 is Todoist's p1, the highest; 4 is what a task has if nobody chose
    INDENT            parent: one deeper than the task above is its child
    note rows         comments on the task above; a file in a note becomes a Markdown link and is reported
    section rows      a label on every task of the section
    DATE, TIMEZONE    due_date, or due_at when a time is given; repetition is reported and kept in the description
    DEADLINE          due_date, with DATE as start_date beside it
    DURATION          estimate, when it is in minutes
    RESPONSIBLE       matched with the members of the project when the plan is carried out

An empty PRIORITY means none here, although Todoist itself would read p1: nobody leaves a cell empty to say "urgent".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo
from hashlib import sha256

from tasks.importers.attachments import link_attachments
from tasks.importers.base import Fault, ImportedComment, ImportedTask, ImportPlan, Loss, UnreadableFile
from tasks.importers.rows import Row, read_rows
from tasks.importers.schedule import Schedule, read_schedule

SOURCE = "todoist"
REQUIRED = ("TYPE", "CONTENT", "PRIORITY", "INDENT")
UNDERSTOOD = {
    *REQUIRED, "DESCRIPTION", "AUTHOR", "RESPONSIBLE", "DATE", "DATE_LANG", "TIMEZONE",
    "DURATION", "DURATION_UNIT", "DEADLINE", "DEADLINE_LANG",
}  # fmt: skip
PRIORITIES = {"": 0, "1": 4, "2": 3, "3": 2, "4": 0}
DEEPEST = 5
TITLE_LENGTH = 500
LABEL_LENGTH = 60
LABELS = 20
# A little less than the database takes: the import may add who wrote it, or whose it was.
DESCRIPTION_LENGTH = 49_500
COMMENT_LENGTH = 19_500
LABEL = re.compile(r"(?<!\S)@(?P<name>\S*[^\s.,;:!?)])")


def parse(data: bytes, *, today: date, zone: tzinfo = UTC) -> ImportPlan:
    """Read a whole file, or refuse it with UnreadableFile, which names the rows and columns at fault.

    Relative dates count from `today`; a time of day without a TIMEZONE is meant in `zone`.
    """
    rows = read_rows(data, required=REQUIRED)
    reading = _Reading(today=today, zone=zone)
    for row in rows:
        reading.take(row)
    if reading.faults:
        raise UnreadableFile(reading.faults)
    return reading.plan()


@dataclass
class _Reading:
    """What is known while going down the file: the open branch, the section, what was seen before."""

    today: date
    zone: tzinfo
    section: str = ""
    branch: list[str] = field(default_factory=list)
    tasks: list[ImportedTask] = field(default_factory=list)
    comments: dict[str, list[ImportedComment]] = field(default_factory=lambda: defaultdict(list))
    losses: list[Loss] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def plan(self) -> ImportPlan:
        tasks = (replace(task, comments=tuple(self.comments[task.external_id])) for task in self.tasks)
        return ImportPlan(SOURCE, tuple(tasks), tuple(self.losses))

    def take(self, row: Row) -> None:
        match row["TYPE"].lower():
            case "task":
                self._take_task(row)
            case "note":
                self._take_note(row)
            case "section":
                self._take_section(row)
            case "meta":
                self._lose(row, row["CONTENT"], "How Todoist shows the project is not imported.")
            case other:
                self.faults.append(Fault(row.number, "TYPE", f"“{_short(other)}” is not task, note or section."))
        for column in sorted(row.cells.keys() - UNDERSTOOD):
            if row[column]:
                self._lose(row, f"{column}: {row[column]}", "This column is not known here.")

    def _take_section(self, row: Row) -> None:
        self.section, self.branch = row["CONTENT"], []
        if self.section:
            self._lose(row, self.section, "There are no sections here: its tasks carry a label of that name.")

    def _take_task(self, row: Row) -> None:
        depth, priority, content = self._indent(row), self._priority(row), row["CONTENT"]
        if not content:
            self.faults.append(Fault(row.number, "CONTENT", "A task needs a title."))
        if depth is None:
            return
        parent = self.branch[depth - 2] if depth > 1 else None
        external_id = self._identify(parent or "", content)
        self.branch[depth - 1 :] = [external_id]
        if priority is None:
            return
        schedule = read_schedule(row, today=self.today, zone=self.zone)
        self.losses += schedule.losses
        self.tasks.append(self._task(row, external_id, parent, priority, schedule))

    def _task(self, row: Row, external_id: str, parent: str | None, priority: int, schedule: Schedule) -> ImportedTask:
        title, labels, kept = self._title(row)
        return ImportedTask(
            row=row.number,
            external_id=external_id,
            parent_id=parent,
            title=title,
            description=self._text(row, [row["DESCRIPTION"], *kept, *schedule.kept], DESCRIPTION_LENGTH),
            estimate=schedule.estimate,
            priority=priority,
            labels=labels,
            author=_person(row["AUTHOR"]),
            responsible=_person(row["RESPONSIBLE"]),
            start_date=schedule.start_date,
            due_date=schedule.due_date,
            due_at=schedule.due_at,
        )

    def _title(self, row: Row) -> tuple[str, tuple[str, ...], list[str]]:
        content = row["CONTENT"]
        if content.startswith("* ") and content[2:].strip():
            content = content[2:]
            self._lose(row, row["CONTENT"], "It cannot be ticked off in Todoist; here it is a task like any other.")
        words = " ".join(LABEL.sub("", content).split()) or " ".join(content.split())
        labels = self._labels(row, [self.section, *LABEL.findall(content)])
        if len(words) <= TITLE_LENGTH:
            return words, labels, []
        self._lose(row, _short(words), f"A title has at most {TITLE_LENGTH} characters; the description has it all.")
        return words[: TITLE_LENGTH - 1] + "…", labels, [words]

    def _labels(self, row: Row, names: Iterable[str]) -> tuple[str, ...]:
        found: dict[str, str] = {}
        for written in names:
            name = " ".join(written.split())
            if len(name) > LABEL_LENGTH:
                self._lose(row, name, f"A label has at most {LABEL_LENGTH} characters; it was cut.")
            if name:
                found.setdefault(name[:LABEL_LENGTH].strip().casefold(), name[:LABEL_LENGTH].strip())
        kept = tuple(found.values())
        if len(kept) > LABELS:
            self._lose(row, ", ".join(kept[LABELS:]), f"A task takes at most {LABELS} labels from a file.")
        return kept[:LABELS]

    def _take_note(self, row: Row) -> None:
        text, files = link_attachments(row["CONTENT"])
        body = self._text(row, [text], COMMENT_LENGTH)
        if not self.branch:
            self._lose(row, row["CONTENT"], "There is no task above this note for it to belong to.")
            return
        for file in files:
            what = f"{file.name} ({file.url})" if file.url else file.name
            self._lose(row, what, "The file itself is not in the export; the comment links to it.")
        if body:
            identity = self._identify(f"{self.branch[-1]} note", row["CONTENT"])
            self.comments[self.branch[-1]].append(ImportedComment(row.number, identity, body, _person(row["AUTHOR"])))

    def _text(self, row: Row, parts: Iterable[str], most: int) -> str:
        text = "\n\n".join(part.replace("\r\n", "\n").replace("\r", "\n").strip() for part in parts if part.strip())
        if len(text) <= most:
            return text
        self._lose(row, text[most - 1 :], f"A text has at most {most:,} characters here; this end was cut.")
        return text[: most - 1] + "…"

    def _indent(self, row: Row) -> int | None:
        written = row["INDENT"] or "1"
        if written not in {str(depth) for depth in range(1, DEEPEST + 1)}:
            self.faults.append(Fault(row.number, "INDENT", f"“{_short(written)}” is not a number from 1 to {DEEPEST}."))
            return None
        if int(written) > len(self.branch) + 1:
            above = f"the task above has {len(self.branch)}" if self.branch else "there is no task above"
            self.faults.append(Fault(row.number, "INDENT", f"{written} is too deep: {above}."))
            return None
        return int(written)

    def _priority(self, row: Row) -> int | None:
        if row["PRIORITY"] not in PRIORITIES:
            message = f"“{_short(row['PRIORITY'])}” is not a number from 1 to 4."
            self.faults.append(Fault(row.number, "PRIORITY", message))
        return PRIORITIES.get(row["PRIORITY"])

    def _identify(self, parent: str, content: str) -> str:
        """Return the same id for the same place in the outline, in this file and in a longer one."""
        place = f"{parent}\n{content}"
        self.seen[place] += 1
        return sha256(f"{place}\n{self.seen[place]}".encode()).hexdigest()

    def _lose(self, row: Row, what: str, why: str) -> None:
        self.losses.append(Loss(row.number, what, why))


def _person(written: str) -> str:
    """Return the name without the number Todoist puts behind it: "Alex (1000001)" is Alex."""
    name, _, number = written.rpartition("(")
    return name.strip() if number[:-1].isdigit() and number.endswith(")") else written


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
