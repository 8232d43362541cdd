"""Writes of project members."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.items.assignees import unassign
from tasks.members import selectors
from tasks.models import Project, ProjectMember, Role
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors as sharing_selectors
from tasks.sharing import services as sharing


@transaction.atomic
def add(*, actor: User, ref: str, role: str, user_id: uuid.UUID | None = None, email: str = "") -> ProjectMember:
    """Add a user, by id or email address, or change a member's role.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    project = projects_selectors.lock_project(actor, ref)
    policies.require_manager(projects_selectors.project_role(actor, project))
    if project.is_inbox:
        raise Conflict(gettext("Your personal project is only yours. Create another project to share."), code="inbox")
    user = sharing_selectors.resolve_user(user_id, email)
    # Locked: removing a team removes the members who are here by that team alone.
    locked = ProjectMember.objects.select_for_update()
    member, is_new = locked.get_or_create(project=project, user=user, defaults={"role": role})
    if is_new:
        # A trigger has set the effective role.
        member.refresh_from_db()
        _publish(events.MemberAdded, project, member, actor)
    else:
        _set_role(project, member, role, actor)
    return member


@transaction.atomic
def update(
    *, actor: User, ref: str, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> ProjectMember:
    """Change a member's role; None leaves it. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    project = projects_selectors.lock_project(actor, ref)
    policies.require_manager(projects_selectors.project_role(actor, project))
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
    """Remove a member with their assignments and shares; all members may leave.

    A member of one of the project's teams stays, with the team's role. Raises NotFound, NotAllowed, Conflict,
    VersionConflict.
    """
    project = projects_selectors.lock_project(actor, ref)
    # Leaving needs no permission, whatever the role.
    if user_id != actor.pk:
        policies.require_manager(projects_selectors.project_role(actor, project))
    member = selectors.get_member_for_update(project, user_id)
    check_version(member, versions)
    _require_remaining_admin(project, member, "")
    # Read under the member's lock, which joining or leaving a team takes too.
    if teams := selectors.member_teams(project, user_id):
        if member.role is None:
            names = ", ".join(project_team.team.name for project_team in teams)
            raise Conflict(
                gettext("They are in the project through a team: %(names)s.") % {"names": names}, code="through_team"
            )
        ProjectMember.objects.filter(pk=member.pk).update(role=None, version=F("version") + 1)
        member.refresh_from_db()
        _publish(events.MemberChanged, project, member, actor)
        return
    unassign(actor=actor, project=project, user_id=user_id, now=now)
    # A share would let a former member see the task still.
    sharing.remove_all(actor=actor, project=project, user_id=user_id)
    _publish(events.MemberRemoved, project, member, actor)
    member.delete()


def _publish(event_class: type[Any], project: Project, member: ProjectMember, actor: User) -> None:
    payload = project_payload(project)
    publish(event_class(project=payload, user_id=str(member.user_id), role=member.effective_role), actor=actor)
    # A removed member is no longer among the viewers of the project.
    invalidate_viewers(project, member.user_id)


def _require_remaining_admin(project: Project, member: ProjectMember, role: str) -> None:
    # Admins by their own role: those by a team are gone as soon as the team is.
    others = ProjectMember.objects.filter(project=project, role=Role.ADMIN).exclude(pk=member.pk)
    if member.role == Role.ADMIN and role != Role.ADMIN and not others.exists():
        raise Conflict(
            gettext("A project needs at least one admin. Make someone else an admin first."), code="last_admin"
        )
