"""Endpoints of a project's members, teams and invitations."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.users import selectors as users_selectors
from accounts.users.invitations.api import InvitationOut
from accounts.users.invitations.rate_limits import rate_limited_invitation
from core.api.fields import EmailField, StrictChoiceField, StrictSerializer
from core.api.generics import ApiView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.parsers import parse_body
from tasks.members import invitations, selectors, services, teams
from tasks.members.serializers import (
    MemberInput,
    MemberOut,
    MemberPatch,
    ProjectTeamInput,
    ProjectTeamOut,
    ProjectTeamPatch,
)
from tasks.models import ProjectMember, ProjectTeam, Role
from tasks.project_scope import project_in_path
from tasks.projects import selectors as projects_selectors


class ProjectTeamsView(ListView, CreateView):
    operation_ids = {"get": "list_project_teams", "post": "add_project_team"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = ProjectTeamInput
    serializer_class = ProjectTeamOut
    parent_selector = projects_selectors.get_project
    list_selector = selectors.list_project_teams
    create_service = teams.add


class ProjectTeamView(DetailView, UpdateView, DeleteView):
    operation_ids = {"get": "get_project_team", "patch": "update_project_team", "delete": "remove_project_team"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = ProjectTeamPatch
    serializer_class = ProjectTeamOut
    parent_selector = projects_selectors.get_project
    object_selector = selectors.get_project_team
    delete_service = teams.remove
    services_take_now = True

    def update_object(self, data: dict[str, Any], ref: str, team_id: uuid.UUID) -> ProjectTeam:
        return teams.update(actor=self.user, ref=ref, team_id=team_id, role=data.get("role"), versions=self.versions)


class ProjectInvitationInput(StrictSerializer):
    email = EmailField()
    role = StrictChoiceField(choices=Role.choices, default=Role.EDITOR)


class ProjectInvitationsView(ApiView):
    api_key_scope = None
    serializer_class = InvitationOut

    @extend_schema(operation_id="invite_to_project", request=ProjectInvitationInput, responses={201: InvitationOut})
    def post(self, request: Request, ref: str) -> HttpResponse:
        data = parse_body(ProjectInvitationInput, request)
        # The request of Django, as the page of invitations has it.
        with rate_limited_invitation(request._request, self.user, data["email"]):
            invitation = invitations.invite(actor=self.user, ref=ref, now=self.now, **data)
        invitation = users_selectors.get_invitation(self.user, invitation.pk)
        return self.object_response(invitation, status=201, location=f"/api/v1/invitations/{invitation.pk}/")


class MembersView(ListView, CreateView):
    operation_ids = {"get": "list_project_members", "post": "add_project_member"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = MemberInput
    serializer_class = MemberOut
    parent_selector = projects_selectors.get_project
    list_selector = selectors.list_members
    create_service = services.add


class MemberView(DetailView, UpdateView, DeleteView):
    operation_ids = {"get": "get_project_member", "patch": "update_project_member", "delete": "remove_project_member"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = MemberPatch
    serializer_class = MemberOut
    parent_selector = projects_selectors.get_project
    object_selector = selectors.get_member
    delete_service = services.remove
    services_take_now = True

    def update_object(self, data: dict[str, Any], ref: str, user_id: uuid.UUID) -> ProjectMember:
        return services.update(actor=self.user, ref=ref, user_id=user_id, role=data.get("role"), versions=self.versions)
