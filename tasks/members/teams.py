from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Team, TeamMember, User
from core.errors import Conflict, Invalid
from core.versions import check_version
from events.outbox import publish
from tasks import events
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items.assignees import unassign
from tasks.members import selectors
from tasks.models import Project, ProjectMember, ProjectTeam
from tasks.permissions import require_manager
from tasks.projects import selectors as projects_selectors


@transaction.atomic
def add(*, actor: User, ref: str, team_id: uuid.UUID, role: str) -> ProjectTeam:
    """Let a team into a project, all who are in it and all who come, or give it another role there."""
    project = _lock_managed_project(actor, ref)
    if project.is_inbox:
        raise Conflict("Your own inbox is yours alone; make a project to share.", code="inbox")
    team = Team.objects.visible_to(actor).select_for_update(no_key=True).filter(pk=team_id).first()
    if team is None:
        raise Invalid.field("team", "There is no such team.", "does_not_exist")
    given = ProjectTeam.objects.filter(project=project, team=team).first()
    if given is None:
        # Asked under both locks, before triggers let them in: of two teams that come at once, each brings its own newcomers.
        there = set(ProjectMember.objects.filter(project=project).values_list("user_id", flat=True))
        given = ProjectTeam.objects.create(project=project, team=team, role=role)
        people = _team_member_ids(given)
        _publish(events.ProjectTeamAdded, given, people, actor, new_member_ids=sorted(map(str, people - there)))
    else:
        _set_role(given, role, actor)
    return given


@transaction.atomic
def update(
    *, actor: User, ref: str, team_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> ProjectTeam:
    """Give a team another role in a project; none leaves it as it is."""
    given = _lock_project_team(_lock_managed_project(actor, ref), team_id)
    check_version(given, versions, {} if role is None else {"role": role})
    if role is not None:
        _set_role(given, role, actor)
    return given


@transaction.atomic
def remove(*, actor: User, ref: str, team_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Take a team out of a project; its members stay in it only with a role of their own, or by another team."""
    project = _lock_managed_project(actor, ref)
    given = _lock_project_team(project, team_id)
    check_version(given, versions)
    people = _team_member_ids(given)
    ProjectTeam.objects.filter(pk=given.pk).delete()
    stay = set(ProjectMember.objects.filter(project=project, user__in=people).values_list("user_id", flat=True))
    for user_id in sorted(people - stay):
        unassign(actor=actor, project=project, user_id=user_id, now=now)
    _publish(events.ProjectTeamRemoved, given, people, actor)


@transaction.atomic
def unassign_former_members(*, user_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Take these people off the open tasks of the projects that they are not in any more."""
    for user in User.objects.filter(pk__in=user_ids).order_by("pk"):
        theirs = Project.objects.filter(tasks__assignments__user=user, tasks__closed_at=None)
        left = theirs.exclude(pk__in=ProjectMember.objects.filter(user=user).values("project"))
        for project in Project.objects.filter(pk__in=left.values("pk")).order_by("pk"):
            if unassign(actor=None, project=project, user_id=user.pk, now=now):
                invalidate_viewers(project)


def _lock_managed_project(actor: User, ref: str) -> Project:
    project = projects_selectors.lock_project(actor, ref)
    require_manager(actor, project)
    return project


def _lock_project_team(project: Project, team_id: uuid.UUID) -> ProjectTeam:
    """A team's role in a project; nobody joins or leaves the team before the end of the transaction."""
    given = selectors.get_project_team(project, team_id)
    list(Team.objects.select_for_update(no_key=True).filter(pk=team_id))
    return given


def _set_role(given: ProjectTeam, role: str, actor: User) -> None:
    if given.role == role:
        return
    ProjectTeam.objects.filter(pk=given.pk).update(role=role, version=F("version") + 1)
    given.role, given.version = role, given.version + 1
    _publish(events.ProjectTeamChanged, given, _team_member_ids(given), actor)


def _team_member_ids(given: ProjectTeam) -> set[uuid.UUID]:
    return set(TeamMember.objects.filter(team=given.team_id).values_list("user_id", flat=True))


def _publish(kind: type[Any], given: ProjectTeam, people: set[uuid.UUID], actor: User, **more: list[str]) -> None:
    words = project_payload(given.project)
    keys = sorted(map(str, people))
    publish(kind(project=words, team_id=str(given.team_id), role=given.role, user_ids=keys, **more), actor=actor)
    invalidate_viewers(given.project, *people)
