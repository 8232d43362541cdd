"""Creating, renaming and deleting teams, and changing their members."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts import events, policies
from accounts.auth.sessions import cache
from accounts.events import team_payload
from accounts.models import Team, TeamMember, User
from accounts.teams import selectors
from core.db import get_or_404
from core.errors import Conflict, Invalid, require
from core.etags import check_version
from events.outbox import DomainEvent, publish

Role = TeamMember.Role


@transaction.atomic
def create(*, actor: User, name: str) -> Team:
    """Create a team led by the actor. Raises Invalid for a name that is taken."""
    try:
        # The constraint decides: another team may take the name at the same moment.
        team = Team.objects.create(name=name.strip())
    except IntegrityError as error:
        raise _name_taken() from error
    TeamMember.objects.create(team=team, user=actor, role=Role.LEAD)
    publish(events.TeamCreated(team=team_payload(team)), actor=actor)
    return team


@transaction.atomic
def rename(*, actor: User, team_id: uuid.UUID, name: str = "", versions: frozenset[int] | None = None) -> None:
    """Rename a team; an empty name leaves it as it is. Raises NotFound, NotAllowed, Invalid, VersionConflict."""
    team = _get_team_for_update(actor, team_id)
    new_name = name.strip() or team.name
    check_version(team, versions, {"name": new_name})
    if new_name == team.name:
        return
    try:
        Team.objects.filter(pk=team.pk).update(name=new_name, version=F("version") + 1)
    except IntegrityError as error:
        raise _name_taken() from error
    changes = {"name": [team.name, new_name]}
    publish(events.TeamUpdated(team=team_payload(team), changes=changes), actor=actor)


def _name_taken() -> Invalid:
    return Invalid.field("name", gettext("There is already a team with this name."), "taken")


@transaction.atomic
def delete(*, actor: User, team_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Delete a team. Raises NotFound, NotAllowed, VersionConflict."""
    team = _get_team_for_update(actor, team_id)
    check_version(team, versions)
    user_ids = sorted(
        str(user_id) for user_id in TeamMember.objects.filter(team=team).values_list("user_id", flat=True)
    )
    # Published before the delete: afterwards the members are no longer known.
    publish(events.TeamDeleted(team=team_payload(team), user_ids=user_ids), actor=actor)
    cache.invalidate_teams()
    team.delete()


@transaction.atomic
def add_member(*, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, role: str) -> TeamMember:
    """Add a user to the team, or give a member another role. Raises NotFound, NotAllowed, Invalid, Conflict."""
    team = _get_team_for_update(actor, team_id)
    if not User.objects.active().filter(pk=user_id).exists():
        raise Invalid.field("user", gettext("There is no such user."), "does_not_exist")
    # Adding a member again changes their role: POST is idempotent for the same input.
    member, is_new = TeamMember.objects.get_or_create(team=team, user_id=user_id, defaults={"role": role})
    _set_role(team, member, role, actor, previous_role="" if is_new else member.role)
    return member


def join(*, actor: User, team: Team, user: User) -> None:
    """Add an invited user in the caller's transaction; an existing member keeps their role."""
    _, is_new = TeamMember.objects.get_or_create(team=team, user=user, defaults={"role": Role.MEMBER})
    if is_new:
        event = events.TeamMemberAdded(team=team_payload(team), user_id=str(user.pk), role=Role.MEMBER)
        _publish_membership(event, actor)


@transaction.atomic
def update_member(
    *, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> TeamMember:
    """Change a member's role; None leaves it as it is. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    team = _get_team_for_update(actor, team_id)
    member = selectors.get_member(team, user_id)
    check_version(member, versions, {} if role is None else {"role": role})
    if role is not None and role != member.role:
        _set_role(team, member, role, actor, previous_role=member.role)
    return member


@transaction.atomic
def remove_member(
    *, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, versions: frozenset[int] | None = None
) -> None:
    """Remove a member from the team. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    team = _get_team_for_update(actor, team_id)
    member = selectors.get_member(team, user_id)
    check_version(member, versions)
    _require_another_lead(team, user_id, None)
    member.delete()
    _publish_membership(events.TeamMemberRemoved(team=team_payload(team), user_id=str(user_id)), actor)


def _set_role(team: Team, member: TeamMember, role: str, actor: User, *, previous_role: str) -> None:
    """Give a member this role and publish it; `previous_role` is empty for a new member. Raises Conflict."""
    _require_another_lead(team, member.user_id, role)
    if member.role != role:
        TeamMember.objects.filter(pk=member.pk).update(role=role, version=F("version") + 1)
        member.refresh_from_db(fields=["role", "version"])
    event = events.TeamMemberAdded(
        team=team_payload(team), user_id=str(member.user_id), role=role, previous_role=previous_role
    )
    _publish_membership(event, actor)


def _publish_membership(event: DomainEvent, actor: User) -> None:
    publish(event, actor=actor)
    cache.invalidate_teams()


def _get_team_for_update(actor: User, team_id: uuid.UUID) -> Team:
    """Lock a team that the actor leads. Raises NotFound, NotAllowed."""
    # The lock on the team serializes changes of its members, so that the last lead cannot be removed twice.
    team = get_or_404(Team.objects.visible_to(actor).select_for_update().filter(pk=team_id), "There is no such team.")
    membership = TeamMember.objects.filter(team=team, user=actor).first()
    require(policies.can_lead_team(actor, membership), "Only leads of the team can do this.")
    return team


def _require_another_lead(team: Team, user_id: uuid.UUID, new_role: str | None) -> None:
    """Raise Conflict if the team's last lead would leave or get this role."""
    if new_role == Role.LEAD:
        return
    if not TeamMember.objects.filter(team=team, role=Role.LEAD).exclude(user=user_id).exists():
        raise Conflict(gettext("A team needs at least one lead."), code="last_lead")
