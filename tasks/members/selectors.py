import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, QuerySet

from accounts.models import Team, User
from accounts.users import selectors as users_selectors
from core.errors import NotFound
from tasks.models import Project, ProjectMember, ProjectTeam, Role


def active_members(project_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Those of the named people who are active and in this project now, by name or with a team."""
    members = ProjectMember.objects.filter(project=project_id).values("user")
    return list(User.objects.active().filter(pk__in=members).filter(pk__in=list(user_ids)))


def list_project_teams(project: Project) -> QuerySet[ProjectTeam]:
    return ProjectTeam.objects.filter(project=project).select_related("team")


def get_project_team(project: Project, team_id: uuid.UUID) -> ProjectTeam:
    found = list_project_teams(project).filter(team=team_id).first()
    if found is None:
        raise NotFound("This team is not in the project.")
    return found


def addable_teams(user: User, project: Project) -> QuerySet[Team]:
    """The teams that a person sees and that are not in the project yet."""
    return Team.objects.visible_to(user).exclude(project_roles__project=project).order_by("name")


def member_teams(project: Project, user_id: uuid.UUID) -> list[ProjectTeam]:
    """The project's teams that this person is in."""
    return list(list_project_teams(project).filter(team__memberships__user=user_id).order_by("team__name"))


def team_roles_by_user(project: Project) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """For each member through teams, the teams' names and roles."""
    found: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    teams = ProjectTeam.objects.filter(project=project, team__memberships__isnull=False).order_by("team__name")
    for user_id, name, role in teams.values_list("team__memberships__user", "team__name", "role"):
        found[user_id].append((name, role))
    return found


# As many people as a page offers to choose from.
MAX_USER_CHOICES = 1000


def users_to_share_with(user: User) -> list[User]:
    """Everybody else in the directory."""
    return list(users_selectors.list_active_users().exclude(pk=user.pk).order_by("name", "pk")[:MAX_USER_CHOICES])


def users_to_add(present: Iterable[ProjectMember]) -> list[User]:
    """The directory without those who are in the project already."""
    there = {member.user_id for member in present}
    return [
        one for one in users_selectors.list_active_users().order_by("name")[:MAX_USER_CHOICES] if one.pk not in there
    ]


def assignable_users(project: Project) -> list[User]:
    """The active people of a project."""
    active = list_members(project).filter(user__is_active=True).order_by("user__name")
    return [member.user for member in active]


class ProjectViewer(NamedTuple):
    """Somebody in a project: their role in words, and in which ways they have it."""

    user: User
    role: str
    role_sources: list[str]


def list_viewers(project: Project, limit: int = 1000) -> list[ProjectViewer]:
    """The people of a project and how they came by their roles; two queries, however many people."""
    present = list_members(project).order_by("user__name", "user_id")
    by_teams = team_roles_by_user(project)
    return [
        ProjectViewer(
            one.user,
            one.get_effective_role_display(),
            [*_direct_role_source(one), *team_role_sources(by_teams[one.user_id])],
        )
        for one in present[:limit]
    ]


def _direct_role_source(member: ProjectMember) -> list[str]:
    return [f"{member.get_role_display()}, added directly"] if member.role else []


def team_role_sources(given: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{Role(role).label} via team {name}" for name, role in given]


def count_overseers() -> dict[str, int]:
    """How many active people of staff and administrators there are."""
    roles = User.objects.active().exclude(role=User.Role.USER).values_list("role").annotate(count=Count("pk"))
    return {User.Role.STAFF.value: 0, User.Role.ADMIN.value: 0} | dict(roles)


def list_members(project: Project) -> QuerySet[ProjectMember]:
    return ProjectMember.objects.filter(project=project).select_related("user")


def get_member(project: Project, user_id: uuid.UUID) -> ProjectMember:
    found = list_members(project).filter(user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the project.")
    return found


def get_member_for_update(project: Project, user_id: uuid.UUID) -> ProjectMember:
    found = ProjectMember.objects.select_for_update().filter(project=project, user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the project.")
    return found
