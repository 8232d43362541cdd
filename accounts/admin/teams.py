"""Admin of teams and their members, which calls the team services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from accounts.models import Team, TeamMember
from accounts.teams import services as teams
from core.admin import ServiceAdmin, ServiceForm


class TeamForm(ServiceForm):
    """Creates or renames a team."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Team
        fields = ["name", "version"]

    def write(self, data: dict[str, Any]) -> Team:
        if self.instance._state.adding:
            return teams.create(actor=self.actor, name=data["name"])
        versions = frozenset({data["version"] or 0})
        teams.rename(actor=self.actor, team_id=self.instance.pk, name=data["name"], versions=versions)
        return Team.objects.get(pk=self.instance.pk)


@admin.register(Team)
class TeamAdmin(ServiceAdmin):
    form = TeamForm
    list_display = ("name", "member_count", "created_at")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(member_count=Count("memberships"))

    # Not `members`: Django shows a model's field of that name instead of the method.
    @admin.display(description="members", ordering="member_count")
    def member_count(self, team: Team) -> int:
        return int(team.member_count)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        teams.delete(actor=get_request_user(request), team_id=obj.pk)


class TeamMemberForm(ServiceForm):
    """Adds a member or changes their role; team and user are read-only later."""

    class Meta:
        model = TeamMember
        fields = ["team", "user", "role"]

    def write(self, data: dict[str, Any]) -> TeamMember:
        # Read-only fields are missing in the form of an existing member.
        team_id = data["team"].pk if "team" in data else self.instance.team_id
        user_id = data["user"].pk if "user" in data else self.instance.user_id
        return teams.add_member(actor=self.actor, team_id=team_id, user_id=user_id, role=data["role"])


@admin.register(TeamMember)
class TeamMemberAdmin(ServiceAdmin):
    form = TeamMemberForm
    list_display = ("user", "team", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__name", "=user__email", "team__name")
    ordering = ("team__name", "user__name", "pk")
    raw_id_fields = ("team", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("team", "user") if obj else ()

    def delete_model(self, request: HttpRequest, obj: TeamMember) -> None:
        teams.remove_member(actor=get_request_user(request), team_id=obj.team_id, user_id=obj.user_id)
