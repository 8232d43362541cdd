"""Meaning of a quick-add text for one user: its names resolved, its due date and series computed. Nothing is written."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, Value
from django.db.models.functions import Lower, Replace
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.errors import Invalid
from core.text import is_blank
from tasks import policies
from tasks.items.assignees import MAX_ASSIGNEES
from tasks.members import selectors as members_selectors
from tasks.models import Label, Priority, Project, Task
from tasks.projects import selectors as projects_selectors
from tasks.projects.labels import MAX_LABELS
from tasks.projects.selectors import NIL_UUID
from tasks.quick_add.dates import to_instant
from tasks.quick_add.parsing import Kind, ParsedText, Problem, Span, parse_text
from tasks.quick_add.repetition import first_day
from tasks.recurrence import services as recurrence
from tasks.recurrence.rules import parse as parse_rule
from tasks.recurrence.wording import describe

MAX_TITLE_LENGTH = Task._meta.get_field("title").max_length or 0
MAX_LABEL_LENGTH = Label._meta.get_field("name").max_length or 0
OWN_NAMES = {"me", "ich", "mich"}
PROJECT_WITHOUT_RIGHT = gettext_noop("You have no project “{name}” to create tasks in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """Fields of the task that a text means. `project` is None for the user's own inbox."""

    text: str
    title: str
    spans: list[Span]
    problems: list[Problem]
    project: Project | None
    assignees: list[User]
    labels: list[str]
    priority: int
    estimate: int | None
    due_date: date | None
    due_at: datetime | None
    rule: str
    rule_description: str

    @property
    def recurrence(self) -> dict[str, str] | None:
        return {"rule": self.rule, "description": self.rule_description} if self.rule else None

    @property
    def has_named_project(self) -> bool:
        return any(span.kind is Kind.PROJECT for span in self.spans)

    @property
    def priority_name(self) -> str:
        return str(Priority(self.priority).label)

    @property
    def title_problem(self) -> Problem | None:
        """The problem without whose solution no task can be created."""
        return next((problem for problem in self.problems if problem.code.startswith("title_")), None)


def interpret(*, user: User, text: str, now: datetime, project: str = "") -> Interpretation:
    """Return what a text means to a user; `project` counts where the text names none. Raises NotFound for it."""
    parsed = parse_text(text, now=now, zone=user.time_zone)
    target = _resolve_project(user, parsed, project)
    assignees = _resolve_assignees(user, parsed, target)
    labels = _resolve_labels(parsed, target)
    day, due_at = _due(parsed, now, user.time_zone)
    description = ""
    if rule := parsed.first(Kind.RECURRENCE):
        local = due_at.astimezone(ZoneInfo(user.time_zone)) if due_at else None
        try:
            series = recurrence.preview_series(
                user=user, rule=rule, now=now, starts_on=day, time_of_day=local.time() if local else None
            )
        except Invalid as error:
            _reject(parsed, Kind.RECURRENCE, "invalid_repetition", error.fields[0].message)
            rule = None
        else:
            description = describe(series)
    title = parsed.title
    if is_blank(title):
        parsed.problems.append(Problem("title_blank", "Write a title too.", 0, len(text)))
    elif len(title) > MAX_TITLE_LENGTH:
        message = gettext("A title has at most %(max_title_length)s characters.") % {
            "max_title_length": MAX_TITLE_LENGTH
        }
        parsed.problems.append(Problem("title_too_long", message, 0, len(text)))
    return Interpretation(
        text=text,
        title=title,
        spans=parsed.spans,
        problems=sorted(parsed.problems, key=lambda problem: problem.start),
        project=target,
        assignees=assignees,
        labels=labels,
        priority=parsed.first(Kind.PRIORITY) or Priority.NONE,
        estimate=parsed.first(Kind.ESTIMATE),
        due_date=None if due_at else day,
        due_at=due_at,
        rule=rule or "",
        rule_description=description,
    )


def _reject(parsed: ParsedText, kind: Kind, code: str, message: str, values: Iterable[object] | None = None) -> None:
    rejected = [span for span in parsed.spans if span.kind == kind and (values is None or span.value in values)]
    parsed.reject(rejected, code, message)


def _resolve_project(user: User, parsed: ParsedText, default: str) -> Project | None:
    """Return the project that the text names, or else the default one."""
    if name := parsed.first(Kind.PROJECT):
        projects = find_projects(user, name)
        if len(projects) == 1:
            return projects[0]
        code = "several_projects" if projects else "unknown_project"
        message = (
            gettext("Several projects are named “%(name)s”. Use a key.") % {"name": name}
            if projects
            else PROJECT_WITHOUT_RIGHT.format(name=name)
        )
        _reject(parsed, Kind.PROJECT, code, message)
    if not default:
        return projects_selectors.get_inbox(user)
    return projects_selectors.get_project(user, default)


def find_projects(user: User, name: str) -> list[Project]:
    """Return the writable project of this key, or else up to two of this name.

    Neither spaces nor capital letters matter.
    """
    projects = Project.objects.visible_to(user).current()
    by_name = projects.annotate(compact=Replace(Lower("name"), Value(" "))).filter(compact=Lower(Value(name)))
    # The key first. Three rows are enough: the key, and two of one name.
    rows = [*projects.filter(key=name.upper()[:20])[:1]] or [*by_name.order_by("pk")[:20]]
    roles = projects_selectors.roles_by_project(user, rows)
    return [project for project in rows if policies.can_edit(roles[project.pk])][:2]


def named_project_ids(user: User, text: str, *, now: datetime) -> list[uuid.UUID]:
    """Return the ids of the projects that a text names; NIL_UUID for a name of none."""
    names = parse_text(text, now=now, zone=user.time_zone).values(Kind.PROJECT)
    return [
        project_id
        for name in names
        for project_id in [project.pk for project in find_projects(user, name)] or [NIL_UUID]
    ]


def _resolve_assignees(user: User, parsed: ParsedText, project: Project | None) -> list[User]:
    handles = parsed.values(Kind.ASSIGNEE)
    if not handles:
        return []
    own_handle = user.handle.lower()
    real_handles = [own_handle if handle in OWN_NAMES else handle for handle in handles]
    candidates = User.objects.active().filter(handle__in=real_handles)
    if project is None:  # an inbox that is created with the task has its owner alone
        members = {user.handle.lower(): user} if own_handle in real_handles else {}
    else:
        ids = candidates.values_list("pk", flat=True)
        members = {member.handle.lower(): member for member in members_selectors.active_members(project.pk, ids)}
    where = project.name if project and not project.is_inbox else "your personal project"
    assignees: list[User] = []
    for handle, resolved in zip(handles, real_handles, strict=True):
        member = members.get(resolved)
        if member is None:
            _reject(parsed, Kind.ASSIGNEE, "unknown_assignee", f"@{handle} is not a member of {where}.", [handle])
        elif len(assignees) >= MAX_ASSIGNEES:
            _reject(
                parsed,
                Kind.ASSIGNEE,
                "too_many",
                gettext("At most %(max_assignees)s people.") % {"max_assignees": MAX_ASSIGNEES},
                [handle],
            )
        elif member not in assignees:
            assignees.append(member)
    return assignees


def _resolve_labels(parsed: ParsedText, project: Project | None) -> list[str]:
    """Return the names of labels. An existing label may be written without its spaces."""
    names = parsed.values(Kind.LABEL)
    if not names:
        return []
    compact = {name.lower(): name for name in names}
    if project:
        labels = Label.objects.filter(project=project).annotate(compact=Replace(Lower("name"), Value(" ")))
        compact |= {label.compact: label.name for label in labels.filter(Q(compact__in=compact))[: 2 * MAX_LABELS]}
    resolved: list[str] = []
    for name in names:
        label = compact[name.lower()]
        if len(label) > MAX_LABEL_LENGTH:
            message = gettext("A label has at most %(max_label_length)s characters.") % {
                "max_label_length": MAX_LABEL_LENGTH
            }
            _reject(parsed, Kind.LABEL, "label_too_long", message, [name])
        elif len(resolved) >= MAX_LABELS and label not in resolved:
            _reject(
                parsed,
                Kind.LABEL,
                "too_many",
                gettext("At most %(max_labels)s labels.") % {"max_labels": MAX_LABELS},
                [name],
            )
        elif label not in resolved:
            resolved.append(label)
    return resolved


def _due(parsed: ParsedText, now: datetime, zone: str) -> tuple[date | None, datetime | None]:
    """Return the due day in the user's zone, and the instant of a time."""
    if due_at := parsed.first(Kind.DUE_AT):
        return due_at.astimezone(ZoneInfo(zone)).date(), due_at
    today = now.astimezone(ZoneInfo(zone)).date()
    day: date | None = parsed.first(Kind.DUE_DATE)
    clock: time | None = parsed.first(Kind.DUE_TIME)
    rule = parsed.first(Kind.RECURRENCE)
    if day is None and (clock is not None or rule):
        # Without a day the next one: today, unless the time is past.
        is_past = clock is not None and to_instant(today, clock, zone) <= now
        day = today + timedelta(days=is_past)
        if rule:
            day = first_day(parse_rule(rule), day)
    if day is None or clock is None:
        return day, None
    return day, to_instant(day, clock, zone)
