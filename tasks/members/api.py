"""Asking people into a project by mail."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.users.invitations.api import InvitationOut, invitation_response
from accounts.users.invitations.rate_limits import throttled_invitation
from core.api import query_params
from core.api.fields import StrictChoiceField, StrictSerializer
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body
from tasks.members import invitations, teams
from tasks.members import selectors as members_selectors
from tasks.members import services as members
from tasks.members.serializers import (
    MemberInput,
    MemberOut,
    MemberPatch,
    ProjectTeamInput,
    ProjectTeamOut,
    ProjectTeamPatch,
)
from tasks.models import Role
from tasks.project_scope import project_in_path
from tasks.projects import selectors
from tasks.projects import selectors as projects_selectors
from tasks.sharing.api import SHARE_SORTS


class ProjectTeamsView(ApiView):
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path

    @extend_schema(
        operation_id="list_project_teams", parameters=[PageQuerySerializer], responses=page_serializer(ProjectTeamOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        project = projects_selectors.get_project(request.user, ref)
        window = PageRequest.of(wanted, sorts=SHARE_SORTS, default="id", owner=f"{request.user.pk}:{project.pk}")
        return list_response(
            request,
            paginate(members_selectors.list_project_teams(project), window),
            ProjectTeamOut,
            wanted.get("fields"),
        )

    @extend_schema(operation_id="add_project_team", request=ProjectTeamInput, responses={201: ProjectTeamOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse_body(ProjectTeamInput, request)
        given = teams.add(actor=request.user, ref=ref, team_id=sent["team"], role=sent["role"])
        return object_response(given, ProjectTeamOut, status=201)


class ProjectTeamView(ApiView):
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path

    @extend_schema(operation_id="get_project_team", responses=ProjectTeamOut)
    def get(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        project = projects_selectors.get_project(request.user, ref)
        return object_response(members_selectors.get_project_team(project, team_id), ProjectTeamOut)

    @extend_schema(operation_id="update_project_team", request=ProjectTeamPatch, responses=ProjectTeamOut)
    def patch(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        role = parse_body(ProjectTeamPatch, request, partial=True).get("role")
        versions = parse_if_match(request._request)
        given = teams.update(actor=request.user, ref=ref, team_id=team_id, role=role, versions=versions)
        return object_response(given, ProjectTeamOut)

    @extend_schema(operation_id="remove_project_team", responses={204: None})
    def delete(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        teams.remove(
            actor=request.user, ref=ref, team_id=team_id, now=timezone.now(), versions=parse_if_match(request._request)
        )
        return Response(status=204)


class ProjectInvitationInput(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = StrictChoiceField(choices=Role.choices, default=Role.EDITOR)


class ProjectInvitationsView(ApiView):
    api_key_scope = None  # only people decide who gets in

    @extend_schema(operation_id="invite_to_project", request=ProjectInvitationInput, responses={201: InvitationOut})
    def post(self, request: Request, ref: str) -> Response:
        sent: dict[str, Any] = parse_body(ProjectInvitationInput, request)
        with throttled_invitation(request._request, request.user, sent["email"]):
            invitation = invitations.invite(actor=request.user, ref=ref, now=timezone.now(), **sent)
        return invitation_response(request, invitation)


MEMBER_SORTS = {"id": Sort("id")}


class MembersView(ApiView):
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path

    @extend_schema(
        operation_id="list_project_members", parameters=[PageQuerySerializer], responses=page_serializer(MemberOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        project = selectors.get_project(request.user, ref)
        window = PageRequest.of(wanted, sorts=MEMBER_SORTS, default="id", owner=f"{request.user.pk}:{project.pk}")
        return list_response(
            request, paginate(members_selectors.list_members(project), window), MemberOut, wanted.get("fields")
        )

    @extend_schema(operation_id="add_project_member", request=MemberInput, responses={201: MemberOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse_body(MemberInput, request)
        member = members.add(
            actor=request.user, ref=ref, role=sent["role"], user_id=sent.get("user"), email=sent.get("email", "")
        )
        return object_response(member, MemberOut, status=201)


class MemberView(ApiView):
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path

    @extend_schema(operation_id="get_project_member", responses=MemberOut)
    def get(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(
            members_selectors.get_member(selectors.get_project(request.user, ref), user_id), MemberOut
        )

    @extend_schema(operation_id="update_project_member", request=MemberPatch, responses=MemberOut)
    def patch(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        role = parse_body(MemberPatch, request, partial=True).get("role")
        versions = parse_if_match(request._request)
        member = members.update(actor=request.user, ref=ref, user_id=user_id, role=role, versions=versions)
        return object_response(member, MemberOut)

    @extend_schema(operation_id="remove_project_member", responses={204: None})
    def delete(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        members.remove(
            actor=request.user, ref=ref, user_id=user_id, now=timezone.now(), versions=parse_if_match(request._request)
        )
        return Response(status=204)
