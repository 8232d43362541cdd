"""Who sees what, and why."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q, QuerySet

from accounts.models import Team, User
from core.errors import NotFound
from tasks import policies
from tasks.models import Project, ProjectMember, ProjectTeam, Role, Task, TaskShare
from tasks.policies import Reason, Standing
from tasks.selectors.projects import role_in


def role_on(user: User, task: Task) -> Role | None:
    """What a person may do with one task: as in its project, or more where it was shared with them."""
    return roles_on(user, task)[1]


def roles_on(user: User, task: Task) -> tuple[Role | None, Role | None]:
    """The role in the task's project, and the one on the task itself."""
    role = role_in(user, task.project)
    if not user.is_guest:
        return role, role
    shared = TaskShare.objects.filter(task=task, user=user).values_list("role", flat=True).first()
    return role, policies.highest(role, shared)


def readers_among(task_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Those of the named people who are active and can see this task now; nobody, if it is gone."""
    project = Project.objects.filter(tasks=task_id).first()
    if project is None:
        return []
    allowed = Q(pk__in=ProjectMember.objects.filter(project=project).values("user"))
    allowed |= Q(pk__in=TaskShare.objects.filter(task=task_id).values("user"))
    if not project.is_inbox:
        allowed |= Q(role__in=[User.Role.STAFF, User.Role.ADMIN])
    return list(User.objects.active().filter(allowed, pk__in=list(user_ids)))


def people_in(project_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Those of the named people who are active and in this project now, by name or with a team."""
    members = ProjectMember.objects.filter(project=project_id).values("user")
    return list(User.objects.active().filter(pk__in=members).filter(pk__in=list(user_ids)))


def shares(task: Task) -> QuerySet[TaskShare]:
    return TaskShare.objects.filter(task=task).select_related("user", "shared_by")


def shares_seen_by(reader: User, task: Task) -> QuerySet[TaskShare]:
    """With whom it is shared; who sees only this task of the project is not told of others."""
    found = shares(task)
    return found if role_in(reader, task.project) else found.filter(user=reader)


def get_share(task: Task, user_id: uuid.UUID, *, reader: User | None = None) -> TaskShare:
    found = (shares_seen_by(reader, task) if reader else shares(task)).filter(user=user_id).first()
    if found is None:
        raise NotFound("The task is not shared with this person.")
    return found


def project_teams(project: Project) -> QuerySet[ProjectTeam]:
    return ProjectTeam.objects.filter(project=project).select_related("team")


def get_project_team(project: Project, team_id: uuid.UUID) -> ProjectTeam:
    found = project_teams(project).filter(team=team_id).first()
    if found is None:
        raise NotFound("This team is not in the project.")
    return found


def teams_to_add(user: User, project: Project) -> QuerySet[Team]:
    """The teams that a person sees and that are not in the project yet."""
    return Team.objects.visible_to(user).exclude(project_roles__project=project).order_by("name")


def teams_of(project: Project, user_id: uuid.UUID) -> list[ProjectTeam]:
    """The project's teams that this person is in."""
    return list(project_teams(project).filter(team__memberships__user=user_id).order_by("team__name"))


def given_by_teams(project: Project) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """For each member through teams, the teams' names and roles."""
    found: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    teams = ProjectTeam.objects.filter(project=project, team__memberships__isnull=False).order_by("team__name")
    for user_id, name, role in teams.values_list("team__memberships__user", "team__name", "role"):
        found[user_id].append((name, role))
    return found


def standing_of(person: User, project: Project, task: Task | None = None) -> Standing:
    """All that is written down about one person and one project, or one task in it."""
    own = ProjectMember.objects.filter(project=project, user=person).values_list("role", flat=True).first()
    teams = ProjectTeam.objects.filter(project=project, team__memberships__user=person).order_by("team__name")
    share = shares(task).filter(user=person).first() if task else None
    return Standing(
        person=person,
        project=project,
        is_task=task is not None,
        own=own,
        teams=tuple(teams.values_list("team__name", "role")),
        share=share.role if share else None,
        shared_by=share.shared_by.name if share and share.shared_by else "",
    )


class Explained(NamedTuple):
    user: User
    role: Role | None
    may: dict[str, bool]
    reasons: list[Reason]

    @property
    def allowed(self) -> list[str]:
        return [name.replace("_", " the ") for name, may in self.may.items() if may] or ["nothing"]


def explain_access(asker: User, user_id: uuid.UUID, project: Project, task: Task | None) -> Explained | None:
    """Say what somebody may do with a thing that the asker sees, and why; None if there is no such person."""
    if user_id != asker.pk:
        may = policies.can_ask_about_others(asker, role_in(asker, project))
        policies.require(may, "Only admins of the project, staff and administrators may ask this about others.")
    person: User | None = User.objects.filter(pk=user_id).first()
    if person is None:
        return None
    return Explained(person, *policies.explain(standing_of(person, project, task)))
