"""A sample project that shows a newcomer board, checklist, relations and dates at work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.errors import Conflict, Invalid
from tasks.checklists import services as checklists
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Priority, Project
from tasks.projects import services as projects
from tasks.relations import services as relations
from tasks.sections import services as sections

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The first key that nobody has: SAMPLE, SAMPLE2, …
MAX_PROJECTS = 50


@dataclass(frozen=True, slots=True)
class _Sample:
    """A task of the sample; days are counted from today."""

    title: StrOrPromise
    status: str = "todo"
    section: int = 0
    description: StrOrPromise = ""
    priority: int = Priority.NONE
    start: int | None = None
    due: int | None = None
    estimate: int | None = None
    is_assigned: bool = True
    labels: tuple[StrOrPromise, ...] = field(default=())


SECTIONS = (gettext_lazy("Prepare"), gettext_lazy("Launch"))
TASKS = (
    _Sample(
        gettext_lazy("Write the announcement"),
        "in_progress",
        description=gettext_lazy(
            "Drag this card on the **board**, or press `.` to copy its key.\n\n"
            "Texts are Markdown: lists, `code`, links, and @mentions."
        ),
        priority=Priority.HIGH,
        start=-2,
        due=1,
        estimate=180,
        labels=(gettext_lazy("marketing"),),
    ),
    _Sample(gettext_lazy("Choose a date for the launch"), "done", start=-6, due=-3),
    _Sample(gettext_lazy("Draw the first designs"), "done", start=-8, due=-2, labels=(gettext_lazy("design"),)),
    _Sample(
        gettext_lazy("Check the designs on a phone"), "in_progress", due=0, priority=Priority.MEDIUM, estimate=60,
        labels=(gettext_lazy("design"),),
    ),
    _Sample(gettext_lazy("Ask three customers what they think"), due=-1, priority=Priority.HIGH, is_assigned=False),
    _Sample(gettext_lazy("Launch"), section=1, priority=Priority.URGENT, due=6),
    _Sample(gettext_lazy("Thank everybody who helped"), section=1, due=8, is_assigned=False),
    _Sample(gettext_lazy("Look at the numbers after a week"), section=1, due=13),
)  # fmt: skip
CHECKLIST = (gettext_lazy("Collect what is new"), gettext_lazy("Find a title"), gettext_lazy("Let somebody read it"))


@transaction.atomic
def create(*, actor: User, now: datetime) -> Project:
    """Create the sample project with its tasks, in the language of the current request. Raises Conflict."""
    project = _create_project(actor)
    section_ids = [sections.create(actor=actor, ref=project.key, name=str(name)).pk for name in SECTIONS]
    today = now.astimezone(ZoneInfo(actor.time_zone)).date()
    drafts = [
        TaskDraft(
            title=str(sample.title),
            description=str(sample.description),
            status=sample.status,
            section=section_ids[sample.section],
            priority=sample.priority,
            start_date=None if sample.start is None else today + timedelta(days=sample.start),
            due_date=None if sample.due is None else today + timedelta(days=sample.due),
            estimate=sample.estimate,
            assignees=[actor.pk] if sample.is_assigned else [],
            labels=[str(label) for label in sample.labels],
        )
        for sample in TASKS
    ]
    tasks = items.create_many(actor=actor, project_ref=project.key, drafts=drafts, now=now, notify_assignees=False)
    first, launch = tasks[0], tasks[5]
    for text in CHECKLIST:
        checklists.add(actor=actor, ref=first.key, text=str(text), now=now)
    for blocking in (first, tasks[3]):
        relations.add(actor=actor, ref=blocking.key, kind="blocks", task=launch.key, now=now)
    comments.add(
        actor=actor, ref=first.key, body=_("This is a comment. Delete the project when you have seen enough."), now=now
    )
    return project


def _create_project(actor: User) -> Project:
    for number in range(1, MAX_PROJECTS + 1):
        try:
            # A savepoint: a key that is taken must not end the transaction.
            with transaction.atomic():
                return projects.create(
                    actor=actor,
                    key="SAMPLE" if number == 1 else f"SAMPLE{number}",
                    name=_("Sample project"),
                    description=_(
                        "A made-up launch with tasks in every state. Nobody needs it: delete it at any time."
                    ),
                )
        except Invalid as error:
            if not error.has_error("key", "taken"):
                raise
    raise Conflict(f"There are {MAX_PROJECTS} sample projects already. Delete one first.", code="too_many")
