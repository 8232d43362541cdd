"""Reads of a project's members and teams."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, QuerySet
from django.utils.translation import gettext, gettext_noop

from accounts.models import Team, User
from accounts.users import selectors as users_selectors
from core.errors import NotFound
from tasks.models import Project, ProjectMember, ProjectTeam, Role

# A select with more is unusable; beyond it there is the API, and adding by email address.
MAX_USER_CHOICES = 1000
MEMBER_NOT_FOUND = gettext_noop("This person is not in the project.")


def active_members(project_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Return those of the users who are active and members of this project now."""
    members = ProjectMember.objects.filter(project=project_id).values("user")
    return list(User.objects.active().filter(pk__in=members).filter(pk__in=list(user_ids)))


def list_project_teams(project: Project) -> QuerySet[ProjectTeam]:
    """Return the teams of a project with their roles."""
    return ProjectTeam.objects.filter(project=project).select_related("team")


def get_project_team(project: Project, team_id: uuid.UUID) -> ProjectTeam:
    """Return one team of a project. Raises NotFound."""
    project_team = list_project_teams(project).filter(team=team_id).first()
    if project_team is None:
        raise NotFound(gettext("This team is not in the project."))
    return project_team


def addable_teams(user: User, project: Project) -> QuerySet[Team]:
    """Return the teams that a user sees and that are not in the project yet."""
    return Team.objects.visible_to(user).exclude(project_roles__project=project).order_by("name")


def member_teams(project: Project, user_id: uuid.UUID) -> list[ProjectTeam]:
    """Return the project's teams that a user is in."""
    return list(list_project_teams(project).filter(team__memberships__user=user_id).order_by("team__name"))


def team_roles_by_user(project: Project) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """Return the names and roles of each member's teams in the project."""
    roles: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    teams = ProjectTeam.objects.filter(project=project, team__memberships__isnull=False).order_by("team__name")
    for user_id, name, role in teams.values_list("team__memberships__user", "team__name", "role"):
        roles[user_id].append((name, role))
    return roles


def users_to_share_with(user: User) -> list[User]:
    """Return the other active users, as a page offers them to choose from."""
    return list(users_selectors.list_active_users().exclude(pk=user.pk).order_by("name", "pk")[:MAX_USER_CHOICES])


def users_to_add(present: Iterable[ProjectMember]) -> list[User]:
    """Return the active users who are not members yet."""
    # The page has loaded the members anyway, so they are excluded here and not by a second query.
    member_ids = {member.user_id for member in present}
    users = users_selectors.list_active_users().order_by("name")[:MAX_USER_CHOICES]
    return [user for user in users if user.pk not in member_ids]


def assignable_users(project: Project) -> list[User]:
    """Return the active members of a project."""
    active = list_members(project).filter(user__is_active=True).order_by("user__name")
    return [member.user for member in active]


class ProjectViewer(NamedTuple):
    """A member as the access page shows them: the label of their role, and its sources."""

    user: User
    role: str
    role_sources: list[str]


def list_viewers(project: Project, limit: int = 1000) -> list[ProjectViewer]:
    """Return the members of a project with the sources of their roles; two queries."""
    team_roles = team_roles_by_user(project)
    viewers = []
    for member in list_members(project).order_by("user__name", "user_id")[:limit]:
        own = (
            [gettext("%(get_role_display)s, added directly") % {"get_role_display": member.get_role_display()}]
            if member.role
            else []
        )
        sources = [*own, *team_role_sources(team_roles[member.user_id])]
        viewers.append(ProjectViewer(member.user, member.get_effective_role_display(), sources))
    return viewers


def team_role_sources(team_roles: Iterable[tuple[str, str]]) -> list[str]:
    """Return a phrase for each team (name, role) that gives a member a role."""
    return [
        gettext("%(label)s via team %(name)s") % {"label": Role(role).label, "name": name} for name, role in team_roles
    ]


def count_staff_and_admins() -> dict[str, int]:
    """Return the numbers of active staff and administrators."""
    roles = User.objects.active().exclude(role=User.Role.USER).values_list("role").annotate(count=Count("pk"))
    return {User.Role.STAFF.value: 0, User.Role.ADMIN.value: 0} | dict(roles)


def list_members(project: Project) -> QuerySet[ProjectMember]:
    """Return the members of a project, by their own role or a team."""
    return ProjectMember.objects.filter(project=project).select_related("user")


def get_member(project: Project, user_id: uuid.UUID) -> ProjectMember:
    """Return one member of a project. Raises NotFound."""
    member = list_members(project).filter(user=user_id).first()
    if member is None:
        raise NotFound(MEMBER_NOT_FOUND)
    return member


def get_member_for_update(project: Project, user_id: uuid.UUID) -> ProjectMember:
    """Return a member, locked until the end of the transaction. Raises NotFound."""
    # Not joined to the user, whose row would be locked too.
    member = ProjectMember.objects.select_for_update().filter(project=project, user=user_id).first()
    if member is None:
        raise NotFound(MEMBER_NOT_FOUND)
    return member
