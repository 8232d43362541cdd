from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import User
from core.errors import Conflict
from core.versions import check_version
from events.outbox import publish
from tasks import events
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items.assignees import unassign
from tasks.members import selectors
from tasks.models import Project, ProjectMember, ProjectTeam, Role
from tasks.permissions import require_manager
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors as sharing_selectors
from tasks.sharing import services as sharing


@transaction.atomic
def add(*, actor: User, ref: str, role: str, user_id: uuid.UUID | None = None, email: str = "") -> ProjectMember:
    """Let a person into a project, named by id or address, or give a member another role."""
    project = projects_selectors.lock_project(actor, ref)
    require_manager(actor, project)
    if project.is_inbox:
        raise Conflict("Your own inbox is yours alone; make a project to share.", code="inbox")
    user = sharing_selectors.resolve_user(user_id, email)
    # Locked, because a team that leaves takes those along who are here by it alone.
    locked = ProjectMember.objects.select_for_update()
    member, is_new = locked.get_or_create(project=project, user=user, defaults={"role": role})
    if is_new:
        member.refresh_from_db()
        _publish(events.MemberAdded, project, member, actor)
    else:
        _set_role(project, member, role, actor)
    return member


@transaction.atomic
def update(
    *, actor: User, ref: str, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> ProjectMember:
    """Give a member another role; none leaves it as it is."""
    project = projects_selectors.lock_project(actor, ref)
    require_manager(actor, project)
    member = selectors.get_member_for_update(project, user_id)
    check_version(member, versions, {} if role is None else {"role": role})
    if role is not None:
        _set_role(project, member, role, actor)
    return member


def _set_role(project: Project, member: ProjectMember, role: str, actor: User) -> None:
    if member.role == role:
        return
    _require_remaining_admin(project, member, role)
    ProjectMember.objects.filter(pk=member.pk).update(role=role, version=F("version") + 1)
    member.refresh_from_db()
    _publish(events.MemberChanged, project, member, actor)


@transaction.atomic
def remove(*, actor: User, ref: str, user_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Take a person out of a project, off its open tasks and away from what was shared there; anybody may leave.

    Who is in a team of the project stays in it with the team's role.
    """
    project = projects_selectors.lock_project(actor, ref)
    if user_id != actor.pk:
        require_manager(actor, project)
    member = selectors.get_member_for_update(project, user_id)
    check_version(member, versions)
    _require_remaining_admin(project, member, "")
    # Asked under the member's lock: who joins or leaves a team takes it too before that is committed.
    if teams := selectors.member_teams(project, user_id):
        _reduce_to_team_role(project, member, teams, actor)
        return
    unassign(actor=actor, project=project, user_id=user_id, now=now)
    sharing.remove_all(actor=actor, project=project, user_id=user_id)
    _publish(events.MemberRemoved, project, member, actor)
    member.delete()


def _reduce_to_team_role(project: Project, member: ProjectMember, teams: Sequence[ProjectTeam], actor: User) -> None:
    if member.role is None:
        names = ", ".join(given.team.name for given in teams)
        raise Conflict(f"They are in the project through a team: {names}.", code="through_team")
    ProjectMember.objects.filter(pk=member.pk).update(role=None, version=F("version") + 1)
    member.refresh_from_db()
    _publish(events.MemberChanged, project, member, actor)


def _publish(kind: type[Any], project: Project, member: ProjectMember, actor: User) -> None:
    publish(
        kind(project=project_payload(project), user_id=str(member.user_id), role=member.effective_role), actor=actor
    )
    invalidate_viewers(project, member.user_id)


def _require_remaining_admin(project: Project, member: ProjectMember, role: str) -> None:
    others = ProjectMember.objects.filter(project=project, role=Role.ADMIN).exclude(pk=member.pk)
    if member.role == Role.ADMIN and role != Role.ADMIN and not others.exists():
        raise Conflict("A project keeps at least one admin.", code="last_admin")
