"""Questions about teams."""

from __future__ import annotations

import uuid

from django.db.models import Count, QuerySet

from accounts.models import Team, TeamMember, User
from core.errors import NotFound


def list_teams(user: User) -> QuerySet[Team]:
    return Team.objects.visible_to(user).annotate(member_count=Count("memberships"))


def get_team(user: User, team_id: uuid.UUID) -> Team:
    found = list_teams(user).filter(pk=team_id).first()
    if found is None:
        raise NotFound("There is no such team.")
    return found


def list_members(team: Team) -> QuerySet[TeamMember]:
    return TeamMember.objects.filter(team=team).select_related("user").order_by("user__name", "user_id")


def get_member(team: Team, user_id: uuid.UUID) -> TeamMember:
    found = list_members(team).filter(user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the team.")
    return found


def list_memberships(user: User) -> QuerySet[TeamMember]:
    """The teams that somebody is in, with their role."""
    return TeamMember.objects.filter(user=user).select_related("team").order_by("team__name")
