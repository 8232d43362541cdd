"""API of teams and their members."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from accounts.models import Team, TeamMember
from accounts.teams import selectors, services
from accounts.users.serializers import UserOut
from core.api.endpoints import all_projects
from core.api.fields import SingleLineField, StrictChoiceField, StrictSerializer, StrictUUIDField
from core.api.generics import CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort


class TeamInput(StrictSerializer):
    """Input for a new team, or for its new name."""

    name = SingleLineField(max_length=120)


class TeamMemberInput(StrictSerializer):
    """Input for a new member."""

    user = StrictUUIDField(source="user_id")
    role = StrictChoiceField(choices=TeamMember.Role.choices, default=TeamMember.Role.MEMBER)


class TeamMemberPatch(StrictSerializer):
    """Changes of a member."""

    role = StrictChoiceField(choices=TeamMember.Role.choices)


class TeamOut(serializers.ModelSerializer[Team]):
    """A team and the number of its members."""

    member_count = serializers.IntegerField()

    class Meta:
        model = Team
        fields = ["id", "name", "member_count", "version", "created_at"]


class TeamMemberOut(serializers.ModelSerializer[TeamMember]):
    """A member of a team."""

    user = UserOut()

    class Meta:
        model = TeamMember
        fields = ["user", "role", "version", "created_at"]


class TeamsView(ListView, CreateView):
    """Teams of the caller; all of them for staff."""

    operation_ids = {"get": "list_teams", "post": "create_team"}
    api_key_scope = {"GET": "teams:read", "POST": None}
    project_from = all_projects
    serializer_class = TeamOut
    input_serializer_class = TeamInput
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"
    has_location = True
    list_selector = selectors.list_teams
    create_service = services.create
    # Read again after a write, with the number of members.
    result_selector = selectors.get_team


class TeamView(DetailView, UpdateView, DeleteView):
    """A team, which its leads change."""

    operation_ids = {"get": "get_team", "patch": "update_team", "delete": "delete_team"}
    api_key_scope = {"GET": "teams:read", "PATCH": None, "DELETE": None}
    project_from = all_projects
    serializer_class = TeamOut
    patch_serializer_class = TeamInput
    object_selector = selectors.get_team
    delete_service = services.delete

    def update_object(self, data: dict[str, Any], team_id: uuid.UUID) -> Team:
        services.rename(actor=self.user, team_id=team_id, versions=self.versions, **data)
        return selectors.get_team(self.user, team_id)


class TeamMembersView(ListView, CreateView):
    """Members of a team."""

    operation_ids = {"get": "list_team_members", "post": "add_team_member"}
    api_key_scope = {"GET": "teams:read", "POST": None}
    project_from = all_projects
    serializer_class = TeamMemberOut
    input_serializer_class = TeamMemberInput
    parent_selector = selectors.get_team
    list_selector = selectors.list_members
    create_service = services.add_member


class TeamMemberView(DetailView, UpdateView, DeleteView):
    """A member of a team."""

    operation_ids = {"get": "get_team_member", "patch": "update_team_member", "delete": "remove_team_member"}
    api_key_scope = {"GET": "teams:read", "PATCH": None, "DELETE": None}
    project_from = all_projects
    serializer_class = TeamMemberOut
    patch_serializer_class = TeamMemberPatch
    parent_selector = selectors.get_team
    object_selector = selectors.get_member
    delete_service = services.remove_member

    def update_object(self, data: dict[str, Any], team_id: uuid.UUID, user_id: uuid.UUID) -> TeamMember:
        return services.update_member(
            actor=self.user, team_id=team_id, user_id=user_id, role=data.get("role"), versions=self.versions
        )
