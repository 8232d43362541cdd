"""Teams and who is in them."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.teams import selectors, services
from accounts.teams.serializers import TeamInput, TeamMemberInput, TeamMemberPatch, TeamOut
from accounts.users.serializers import TeamMemberOut
from core.api import query_params
from core.api.endpoints import all_projects
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body


class TeamsView(ApiView):
    api_key_scope = {"GET": "teams:read", "POST": None}
    project_from = all_projects

    @extend_schema(operation_id="list_teams", parameters=[PageQuerySerializer], responses=page_serializer(TeamOut))
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        window = PageRequest.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return list_response(
            request, paginate(selectors.list_teams(request.user), window), TeamOut, wanted.get("fields")
        )

    @extend_schema(operation_id="create_team", request=TeamInput, responses={201: TeamOut})
    def post(self, request: Request) -> Response:
        team = services.create(actor=request.user, **parse_body(TeamInput, request))
        return object_response(
            selectors.get_team(request.user, team.pk), TeamOut, status=201, location=f"/api/v1/teams/{team.pk}/"
        )


class TeamView(ApiView):
    api_key_scope = {"GET": "teams:read", "PATCH": None, "DELETE": None}
    project_from = all_projects

    @extend_schema(operation_id="get_team", responses=TeamOut)
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_team(request.user, team_id), TeamOut)

    @extend_schema(operation_id="update_team", request=TeamInput, responses=TeamOut)
    def patch(self, request: Request, team_id: uuid.UUID) -> Response:
        sent = parse_body(TeamInput, request, partial=True)
        versions = parse_if_match(request._request)
        services.rename(actor=request.user, team_id=team_id, versions=versions, **sent)
        return object_response(selectors.get_team(request.user, team_id), TeamOut)

    @extend_schema(operation_id="delete_team", responses={204: None})
    def delete(self, request: Request, team_id: uuid.UUID) -> Response:
        services.delete(actor=request.user, team_id=team_id, versions=parse_if_match(request._request))
        return Response(status=204)


class TeamMembersView(ApiView):
    api_key_scope = {"GET": "teams:read", "POST": None}
    project_from = all_projects

    @extend_schema(
        operation_id="list_team_members", parameters=[PageQuerySerializer], responses=page_serializer(TeamMemberOut)
    )
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        team = selectors.get_team(request.user, team_id)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="id", owner=f"{request.user.pk}:{team.pk}")
        return list_response(
            request, paginate(selectors.list_members(team).order_by(), window), TeamMemberOut, wanted.get("fields")
        )

    @extend_schema(operation_id="add_team_member", request=TeamMemberInput, responses={201: TeamMemberOut})
    def post(self, request: Request, team_id: uuid.UUID) -> Response:
        sent = parse_body(TeamMemberInput, request)
        member = services.add_member(actor=request.user, team_id=team_id, user_id=sent["user"], role=sent["role"])
        return object_response(member, TeamMemberOut, status=201)


class TeamMemberView(ApiView):
    api_key_scope = {"GET": "teams:read", "PATCH": None, "DELETE": None}
    project_from = all_projects

    @extend_schema(operation_id="get_team_member", responses=TeamMemberOut)
    def get(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_member(selectors.get_team(request.user, team_id), user_id), TeamMemberOut)

    @extend_schema(operation_id="update_team_member", request=TeamMemberPatch, responses=TeamMemberOut)
    def patch(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        role = parse_body(TeamMemberPatch, request, partial=True).get("role")
        versions = parse_if_match(request._request)
        member = services.update_member(
            actor=request.user, team_id=team_id, user_id=user_id, role=role, versions=versions
        )
        return object_response(member, TeamMemberOut)

    @extend_schema(operation_id="remove_team_member", responses={204: None})
    def delete(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        services.remove_member(
            actor=request.user, team_id=team_id, user_id=user_id, versions=parse_if_match(request._request)
        )
        return Response(status=204)
