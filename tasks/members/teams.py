"""Writes of a project's teams: a team's members have its role in the project."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import Team, TeamMember, User
from core.errors import Conflict, Invalid
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items.assignees import unassign
from tasks.members import selectors
from tasks.models import Project, ProjectMember, ProjectTeam
from tasks.projects import selectors as projects_selectors


@transaction.atomic
def add(*, actor: User, ref: str, team_id: uuid.UUID, role: str) -> ProjectTeam:
    """Add a team with all its members to a project, or change its role there.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    project = _lock_managed_project(actor, ref)
    if project.is_inbox:
        raise Conflict(gettext("Your personal project is only yours. Create another project to share."), code="inbox")
    # The project before the team, here and in `_lock_project_team`: locks in one order cannot deadlock.
    team = Team.objects.visible_to(actor).select_for_update(no_key=True).filter(pk=team_id).first()
    if team is None:
        raise Invalid.field("team", gettext("There is no such team."), "does_not_exist")
    project_team = ProjectTeam.objects.filter(project=project, team=team).first()
    if project_team is not None:
        _set_role(project_team, role, actor)
        return project_team
    # Read under both locks and before the triggers add members: of two teams that are added at once, each finds its own
    # new members.
    present = set(ProjectMember.objects.filter(project=project).values_list("user_id", flat=True))
    project_team = ProjectTeam.objects.create(project=project, team=team, role=role)
    user_ids = _team_member_ids(project_team)
    new_member_ids = sorted(map(str, user_ids - present))
    _publish(events.ProjectTeamAdded, project_team, user_ids, actor, new_member_ids=new_member_ids)
    return project_team


@transaction.atomic
def update(
    *, actor: User, ref: str, team_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> ProjectTeam:
    """Change a team's role in a project; None leaves it. Raises NotFound, NotAllowed, VersionConflict."""
    project_team = _lock_project_team(_lock_managed_project(actor, ref), team_id)
    check_version(project_team, versions, {} if role is None else {"role": role})
    if role is not None:
        _set_role(project_team, role, actor)
    return project_team


@transaction.atomic
def remove(*, actor: User, ref: str, team_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Remove a team, and those of its members without another role.

    Raises NotFound, NotAllowed, VersionConflict.
    """
    project = _lock_managed_project(actor, ref)
    project_team = _lock_project_team(project, team_id)
    check_version(project_team, versions)
    user_ids = _team_member_ids(project_team)
    ProjectTeam.objects.filter(pk=project_team.pk).delete()
    # Triggers have removed the members who were here by this team alone; the others stay assigned.
    remaining = set(ProjectMember.objects.filter(project=project, user__in=user_ids).values_list("user_id", flat=True))
    # Sorted, so that two removals lock tasks in one order.
    for user_id in sorted(user_ids - remaining):
        unassign(actor=actor, project=project, user_id=user_id, now=now)
    _publish(events.ProjectTeamRemoved, project_team, user_ids, actor)


@transaction.atomic
def unassign_former_members(*, user_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Unassign these users from the open tasks of projects that they are no longer in."""
    # By the event, some moments later: who has joined again meanwhile is left alone.
    for user in User.objects.filter(pk__in=user_ids).order_by("pk"):
        assigned = Project.objects.filter(tasks__assignments__user=user, tasks__closed_at=None)
        former = assigned.exclude(pk__in=ProjectMember.objects.filter(user=user).values("project"))
        for project in Project.objects.filter(pk__in=former.values("pk")).order_by("pk"):
            if unassign(actor=None, project=project, user_id=user.pk, now=now):
                invalidate_viewers(project)


def _lock_managed_project(actor: User, ref: str) -> Project:
    project = projects_selectors.lock_project(actor, ref)
    policies.require_manager(projects_selectors.project_role(actor, project))
    return project


def _lock_project_team(project: Project, team_id: uuid.UUID) -> ProjectTeam:
    """Return a team of the project. The lock keeps users from joining or leaving it meanwhile."""
    project_team = selectors.get_project_team(project, team_id)
    # list() runs the query: the lock is all that it is for.
    list(Team.objects.select_for_update(no_key=True).filter(pk=team_id))
    return project_team


def _set_role(project_team: ProjectTeam, role: str, actor: User) -> None:
    if project_team.role == role:
        return
    ProjectTeam.objects.filter(pk=project_team.pk).update(role=role, version=F("version") + 1)
    project_team.role, project_team.version = role, project_team.version + 1
    _publish(events.ProjectTeamChanged, project_team, _team_member_ids(project_team), actor)


def _team_member_ids(project_team: ProjectTeam) -> set[uuid.UUID]:
    return set(TeamMember.objects.filter(team=project_team.team_id).values_list("user_id", flat=True))


def _publish(
    event_class: type[Any], project_team: ProjectTeam, user_ids: set[uuid.UUID], actor: User, **fields: list[str]
) -> None:
    event = event_class(
        project=project_payload(project_team.project),
        team_id=str(project_team.team_id),
        role=project_team.role,
        user_ids=sorted(map(str, user_ids)),
        **fields,
    )
    publish(event, actor=actor)
    invalidate_viewers(project_team.project, *user_ids)
