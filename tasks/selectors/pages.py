"""What the pages ask beyond the API: choices for filters, a row with all its table shows, what needs attention."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from django.db.models import Count, QuerySet

from accounts.models import User
from accounts.selectors import directory
from events.models import Event
from gateway.pagination import Slice, Window, take
from tasks import policies
from tasks.models import Label, Project, ProjectMember, Role, State, Task
from tasks.selectors.access import given_by_teams
from tasks.selectors.projects import members, visible_project_ids
from tasks.selectors.tasks import TaskFilters, filtered

COUNTED = 10_000
# As many people as a page offers to choose from.
LISTED = 1000
TOLD = ("task.created", "task.updated", "task.commented", "task.deleted")


@dataclass(frozen=True, slots=True)
class Row:
    """A task as a table shows it; `states` are what it can be moved to, none when the reader may not."""

    task: Task
    states: Sequence[State]
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Choices:
    projects: Sequence[Project]
    people: Sequence[User]
    labels: Sequence[str]


def page_tasks(
    user: User, filters: TaskFilters, *, created_from: date | None, closed_from: date | None
) -> QuerySet[Task]:
    """The filtered tasks, narrowed to those created or completed since the beginning of a day in UTC."""
    rows = filtered(user, filters)
    if created_from:
        rows = rows.filter(created_at__gte=_midnight(created_from))
    if closed_from:
        rows = rows.filter(closed_at__gte=_midnight(closed_from))
    return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def page_of(rows: QuerySet[Task], window: Window) -> Slice[Task]:
    return take(rows.with_people(), window)  # type: ignore[attr-defined]


def bounded_count(rows: QuerySet[Task]) -> int:
    """Count up to COUNTED + 1: beyond that nobody reads the number, and it would cost a scan."""
    return rows.order_by().values("pk")[: COUNTED + 1].count()


def rows_for(user: User, tasks: Iterable[Task], *, now: datetime, today: date) -> list[Row]:
    """Dress tasks for a table: two queries, however many rows."""
    listed = list(tasks)
    projects = {task.project_id: task.project for task in listed}
    roles = roles_in(user, projects.values())
    states = states_of(projects)
    return [
        Row(task, states[task.project_id] if may_edit(task.project, roles) else (), task.is_overdue(now, today))
        for task in listed
    ]


def may_edit(project: Project, roles: dict[uuid.UUID, Role | None]) -> bool:
    return project.archived_at is None and policies.can_edit(roles[project.pk])


def roles_in(user: User, projects: Iterable[Project]) -> dict[uuid.UUID, Role | None]:
    listed = list(projects)
    own = ProjectMember.objects.filter(user=user, project__in=listed).values_list("project_id", "effective_role")
    found = dict(own)
    return {project.pk: policies.effective_role(user, project, found.get(project.pk)) for project in listed}


def states_of(project_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[State]]:
    found: dict[uuid.UUID, list[State]] = defaultdict(list)
    for state in State.objects.filter(project__in=project_ids).order_by("position", "id"):
        found[state.project_id].append(state)
    return found


def choices(user: User, project: Project | None = None) -> Choices:
    """What the filters of a list offer: everything visible, or what belongs to one project."""
    projects = list(Project.objects.visible_to(user).current().order_by("is_inbox", "name"))
    ids = [project.pk] if project else [one.pk for one in projects]
    here = ProjectMember.objects.filter(project__in=ids).values("user")
    people = User.objects.active().filter(pk__in=here).order_by("name")
    labels = Label.objects.filter(project__in=ids).order_by("name").values_list("name", flat=True).distinct()
    return Choices(projects, list(people), list(labels[:500]))


def projects_to_write_in(user: User) -> list[Project]:
    """The projects in which this person may create tasks, their own inbox first."""
    projects = list(Project.objects.visible_to(user).current().order_by("-is_inbox", "name"))
    roles = roles_in(user, projects)
    return [project for project in projects if policies.can_edit(roles[project.pk])]


def people_to_share_with(user: User) -> list[User]:
    """Everybody else in the directory."""
    return list(directory().exclude(pk=user.pk).order_by("name", "pk")[:LISTED])


def people_to_add(present: Iterable[ProjectMember]) -> list[User]:
    """The directory without those who are in the project already."""
    there = {member.user_id for member in present}
    return [one for one in directory().order_by("name")[:LISTED] if one.pk not in there]


def people_to_assign(project: Project) -> list[User]:
    """The active people of a project."""
    active = members(project).filter(user__is_active=True).order_by("user__name")
    return [member.user for member in active]


def needs_attention(user: User, project: Project | None, *, now: datetime, today: date, limit: int) -> list[Task]:
    """The overdue tasks, most urgent first, then longest overdue."""
    late = filtered(user, TaskFilters(now=now, today=today, overdue=True, project=project.key if project else ""))
    return list(late.with_people().order_by("-priority", "due_date", "due_at", "pk")[:limit])


def recent_activity(user: User, project: Project | None, *, limit: int) -> list[Event]:
    """What happened lately to the tasks this person sees, read from the log by the tasks touched last."""
    ids = [project.pk] if project else visible_project_ids(user)
    touched = Task.objects.filter(project__in=ids).order_by("-updated_at", "-pk").values_list("pk", flat=True)
    facts = Event.objects.filter(subject_id__in=list(touched[: limit * 4]), name__in=TOLD)
    return list(facts.order_by("-pk")[:limit])


def names_of(user_ids: Collection[str]) -> dict[str, str]:
    """The names behind the ids a history mentions."""
    if not user_ids:
        return {}
    return {str(key): name for key, name in User.objects.filter(pk__in=user_ids).values_list("pk", "name")}


def parents_for(task: Task, limit: int = 200) -> list[tuple[uuid.UUID, str]]:
    """Open tasks of the same project that could be its parent, and the one it has."""
    project = Task.objects.filter(project=task.project_id).exclude(pk=task.pk)
    rows = project.filter(closed_at=None).order_by("-updated_at").values_list("pk", "number", "title")[:limit]
    found = [(key, f"{task.project.key}-{number} {title[:60]}") for key, number, title in rows]
    if task.parent and task.parent_id not in {key for key, _ in found}:
        found.insert(0, (task.parent.pk, f"{task.parent.key} {task.parent.title[:60]}"))
    return found


class Seer(NamedTuple):
    """Somebody in a project: their role in words, and in which ways they have it."""

    person: User
    role: str
    ways: list[str]


def who_can_see(project: Project, limit: int = 1000) -> list[Seer]:
    """The people of a project and how they came by their roles; two queries, however many people."""
    present = members(project).order_by("user__name", "user_id")
    by_teams = given_by_teams(project)
    return [
        Seer(one.user, one.get_effective_role_display(), [*_own_way(one), *team_ways(by_teams[one.user_id])])
        for one in present[:limit]
    ]


def _own_way(member: ProjectMember) -> list[str]:
    return [f"{member.get_role_display()} by name"] if member.role else []


def team_ways(given: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{Role(role).label} through the team {name}" for name, role in given]


def overseers() -> dict[str, int]:
    """How many active people of staff and administrators there are."""
    roles = User.objects.active().exclude(role=User.Role.USER).values_list("role").annotate(count=Count("pk"))
    return {User.Role.STAFF.value: 0, User.Role.ADMIN.value: 0} | dict(roles)
