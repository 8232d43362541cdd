"""Queries for teams and their members."""

from __future__ import annotations

import uuid

from django.db.models import Count, QuerySet

from accounts.models import Team, TeamMember, User
from core.db import get_or_404


def list_teams(user: User) -> QuerySet[Team]:
    """Return the teams visible to the user, each with its `member_count`."""
    return Team.objects.visible_to(user).annotate(member_count=Count("memberships"))


def get_team(user: User, team_id: uuid.UUID) -> Team:
    """Return a team visible to the user. Raises NotFound."""
    return get_or_404(list_teams(user).filter(pk=team_id), "There is no such team.")


def list_members(team: Team) -> QuerySet[TeamMember]:
    """Return the team's members by name, each with their user."""
    return TeamMember.objects.filter(team=team).select_related("user").order_by("user__name", "user_id")


def get_member(team: Team, user_id: uuid.UUID) -> TeamMember:
    """Return the user's membership of the team. Raises NotFound."""
    return get_or_404(list_members(team).filter(user=user_id), "This user is not in the team.")


def list_memberships(user: User) -> QuerySet[TeamMember]:
    """Return the user's memberships by team name, each with its team."""
    return TeamMember.objects.filter(user=user).select_related("team").order_by("team__name")
