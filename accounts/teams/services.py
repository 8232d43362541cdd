from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import events, policies
from accounts.auth.sessions import cache
from accounts.events import team_payload
from accounts.models import Team, TeamMember, User
from accounts.teams import selectors
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from events.outbox import DomainEvent, publish


@transaction.atomic
def create(*, actor: User, name: str) -> Team:
    """Create a team led by the actor."""
    try:
        with transaction.atomic():
            team = Team.objects.create(name=name.strip())
    except IntegrityError as error:
        raise Invalid.field("name", "There is a team of this name already.", "taken") from error
    TeamMember.objects.create(team=team, user=actor, role=TeamMember.Role.LEAD)
    publish(events.TeamCreated(team=team_payload(team)), actor=actor)
    return team


@transaction.atomic
def rename(*, actor: User, team_id: uuid.UUID, name: str = "", versions: frozenset[int] | None = None) -> None:
    """Give the team another name; an empty one leaves it as it is."""
    team = _get_team_for_update(actor, team_id)
    wanted = {"name": name.strip() or team.name}
    _check_version(team, versions, wanted)
    if wanted["name"] == team.name:
        return
    try:
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(**wanted, version=F("version") + 1)
    except IntegrityError as error:
        raise Invalid.field("name", "There is a team of this name already.", "taken") from error


@transaction.atomic
def delete(*, actor: User, team_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    team = _get_team_for_update(actor, team_id)
    _check_version(team, versions, {})
    members = sorted(str(key) for key in TeamMember.objects.filter(team=team).values_list("user_id", flat=True))
    publish(events.TeamDeleted(team=team_payload(team), user_ids=members), actor=actor)
    cache.invalidate_teams()
    team.delete()


def _check_version(thing: Team | TeamMember, versions: frozenset[int] | None, wanted: dict[str, str]) -> None:
    if versions is not None and thing.version not in versions:
        raise VersionConflict(
            version=thing.version, current={name: getattr(thing, name) for name in wanted}, wanted=wanted
        )


@transaction.atomic
def add_member(*, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, role: str) -> TeamMember:
    """Put a person in the team, or give them another role in it."""
    team = _get_team_for_update(actor, team_id)
    if not User.objects.active().filter(pk=user_id).exists():
        raise Invalid.field("user", "There is no such person.", "does_not_exist")
    _require_another_lead(team, without=user_id if role != TeamMember.Role.LEAD else None)
    member, is_new = TeamMember.objects.get_or_create(team=team, user_id=user_id, defaults={"role": role})
    previous_role = "" if is_new else member.role
    if not is_new and member.role != role:
        _set_role(member, role)
    _publish_membership(
        events.TeamMemberAdded(team=team_payload(team), user_id=str(user_id), role=role, previous_role=previous_role),
        actor,
    )
    return member


def join(*, actor: User, team: Team, user: User) -> None:
    """Put a person in a team they were asked into, in the caller's transaction; whoever is in it keeps their role."""
    role = TeamMember.Role.MEMBER
    _, is_new = TeamMember.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if is_new:
        _publish_membership(events.TeamMemberAdded(team=team_payload(team), user_id=str(user.pk), role=role), actor)


@transaction.atomic
def update_member(
    *, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, role: str | None, versions: frozenset[int] | None = None
) -> TeamMember:
    """Give a member another role in the team; none leaves it as it is."""
    team = _get_team_for_update(actor, team_id)
    member = selectors.get_member(team, user_id)
    _check_version(member, versions, {} if role is None else {"role": role})
    if role is not None and role != member.role:
        _require_another_lead(team, without=user_id if role != TeamMember.Role.LEAD else None)
        previous_role = member.role
        _set_role(member, role)
        _publish_membership(
            events.TeamMemberAdded(
                team=team_payload(team), user_id=str(user_id), role=role, previous_role=previous_role
            ),
            actor,
        )
    return member


def _set_role(member: TeamMember, role: str) -> None:
    TeamMember.objects.filter(pk=member.pk).update(role=role, version=F("version") + 1)
    member.refresh_from_db()


@transaction.atomic
def remove_member(
    *, actor: User, team_id: uuid.UUID, user_id: uuid.UUID, versions: frozenset[int] | None = None
) -> None:
    team = _get_team_for_update(actor, team_id)
    member = selectors.get_member(team, user_id)
    _check_version(member, versions, {})
    _require_another_lead(team, without=user_id)
    member.delete()
    _publish_membership(events.TeamMemberRemoved(team=team_payload(team), user_id=str(user_id)), actor)


def _publish_membership(fact: DomainEvent, actor: User) -> None:
    publish(fact, actor=actor)
    cache.invalidate_teams()


def _get_team_for_update(actor: User, team_id: uuid.UUID) -> Team:
    team = Team.objects.visible_to(actor).select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.")
    membership = TeamMember.objects.filter(team=team, user=actor).first()
    policies.require(policies.can_lead_team(actor, membership), "Only a lead of the team may do this.")
    return team


def _require_another_lead(team: Team, *, without: uuid.UUID | None) -> None:
    others = TeamMember.objects.filter(team=team, role=TeamMember.Role.LEAD).exclude(user=without)
    if without is not None and not others.exists():
        raise Conflict("A team keeps at least one lead.", code="last_lead")
