"""Teams and who is in them."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.serializers import TeamInput, TeamMemberInput, TeamMemberOut, TeamMemberPatch, TeamOut
from gateway import query
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse


class TeamsView(ApiView):
    @extend_schema(operation_id="list_teams", parameters=[PageQuery], responses=page_of(TeamOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        window = Window.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return listing(request, take(selectors.teams(request.user), window), TeamOut, wanted.get("fields"))

    @extend_schema(operation_id="create_team", request=TeamInput, responses={201: TeamOut})
    def post(self, request: Request) -> Response:
        team = services.create_team(actor=request.user, **parse(TeamInput, request))
        return one(selectors.get_team(request.user, team.pk), TeamOut, status=201, location=f"/api/v1/teams/{team.pk}/")


class TeamView(ApiView):
    @extend_schema(operation_id="get_team", responses=TeamOut)
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_team(request.user, team_id), TeamOut)

    @extend_schema(operation_id="update_team", request=TeamInput, responses=TeamOut)
    def patch(self, request: Request, team_id: uuid.UUID) -> Response:
        sent = parse(TeamInput, request, partial=True)
        versions = if_match(request._request)
        services.rename_team(actor=request.user, team_id=team_id, versions=versions, **sent)
        return one(selectors.get_team(request.user, team_id), TeamOut)

    @extend_schema(operation_id="delete_team", responses={204: None})
    def delete(self, request: Request, team_id: uuid.UUID) -> Response:
        services.delete_team(actor=request.user, team_id=team_id, versions=if_match(request._request))
        return Response(status=204)


class TeamMembersView(ApiView):
    @extend_schema(operation_id="list_team_members", parameters=[PageQuery], responses=page_of(TeamMemberOut))
    def get(self, request: Request, team_id: uuid.UUID) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        team = selectors.get_team(request.user, team_id)
        window = Window.of(wanted, sorts={"id": Sort("id")}, default="id", owner=f"{request.user.pk}:{team.pk}")
        return listing(
            request, take(selectors.team_members(team).order_by(), window), TeamMemberOut, wanted.get("fields")
        )

    @extend_schema(operation_id="add_team_member", request=TeamMemberInput, responses={201: TeamMemberOut})
    def post(self, request: Request, team_id: uuid.UUID) -> Response:
        sent = parse(TeamMemberInput, request)
        member = services.add_team_member(actor=request.user, team_id=team_id, user_id=sent["user"], role=sent["role"])
        return one(member, TeamMemberOut, status=201)


class TeamMemberView(ApiView):
    @extend_schema(operation_id="get_team_member", responses=TeamMemberOut)
    def get(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_team_member(selectors.get_team(request.user, team_id), user_id), TeamMemberOut)

    @extend_schema(operation_id="update_team_member", request=TeamMemberPatch, responses=TeamMemberOut)
    def patch(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        role = parse(TeamMemberPatch, request, partial=True).get("role")
        versions = if_match(request._request)
        member = services.change_team_member(
            actor=request.user, team_id=team_id, user_id=user_id, role=role, versions=versions
        )
        return one(member, TeamMemberOut)

    @extend_schema(operation_id="remove_team_member", responses={204: None})
    def delete(self, request: Request, team_id: uuid.UUID, user_id: uuid.UUID) -> Response:
        services.remove_team_member(
            actor=request.user, team_id=team_id, user_id=user_id, versions=if_match(request._request)
        )
        return Response(status=204)
