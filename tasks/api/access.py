"""The doors to who sees what: teams in projects, single tasks shared with single people, and why."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import PersonOut
from accounts.models import Team
from core.errors import Invalid
from gateway import query
from gateway.fields import Choice, Input, Uuid
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse
from tasks import selectors, services
from tasks.api.serializers import OnePerson
from tasks.models import ProjectTeam, Role, SharedRole, TaskShare

BY_ID = {"id": Sort("id")}


class TeamRef(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["id", "name"]


class ProjectTeamInput(Input):
    team = Uuid()
    role = Choice(choices=Role.choices, default=Role.EDITOR)


class ProjectTeamPatch(Input):
    role = Choice(choices=Role.choices)


class ProjectTeamOut(serializers.ModelSerializer[ProjectTeam]):
    team = TeamRef()

    class Meta:
        model = ProjectTeam
        fields = ["team", "role", "version", "created_at"]


class ShareInput(OnePerson):
    role = Choice(choices=SharedRole.choices, default=SharedRole.VIEWER)


class SharePatch(Input):
    role = Choice(choices=SharedRole.choices)


class ShareOut(serializers.ModelSerializer[TaskShare]):
    user = PersonOut()
    shared_by = PersonOut(allow_null=True)

    class Meta:
        model = TaskShare
        fields = ["user", "role", "shared_by", "version", "created_at"]


class ExplainQuery(query.Query):
    user = query.Ids(words=("me",), required=False, help_text="The id of a person, or `me`; the caller, if left out.")
    task = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key; instead of `task`.")

    def validate_user(self, value: list[str]) -> str:
        if len(value) != 1:
            raise serializers.ValidationError("Give one id, or `me`.", "invalid")
        return value[0]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("task" in attrs) == ("project" in attrs):
            raise serializers.ValidationError({"task": "Name one thing: a task or a project."})
        return attrs


class MayOut(serializers.Serializer[Any]):
    see = serializers.BooleanField()
    comment = serializers.BooleanField()
    edit = serializers.BooleanField()
    delete = serializers.BooleanField(required=False, help_text="Of a task.")
    share = serializers.BooleanField(required=False, help_text="Of a task.")
    manage_project = serializers.BooleanField()


class ReasonOut(serializers.Serializer[Any]):
    code = serializers.CharField(
        help_text="member, team, share, staff, administrator; nothing, deactivated, inbox, archived."
    )
    role = serializers.CharField(allow_null=True, help_text="The role that this gives; null where it gives none.")
    words = serializers.CharField()


class ExplanationOut(serializers.Serializer[Any]):
    """What a person may do with a task or a project, and why."""

    user = PersonOut()
    role = serializers.CharField(allow_null=True, help_text="The highest of what the reasons give.")
    may = MayOut()
    reasons = ReasonOut(many=True)


class ProjectTeamsView(ApiView):
    @extend_schema(operation_id="list_project_teams", parameters=[PageQuery], responses=page_of(ProjectTeamOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        project = selectors.get_project(request.user, ref)
        window = Window.of(wanted, sorts=BY_ID, default="id", owner=f"{request.user.pk}:{project.pk}")
        return listing(request, take(selectors.project_teams(project), window), ProjectTeamOut, wanted.get("fields"))

    @extend_schema(operation_id="add_project_team", request=ProjectTeamInput, responses={201: ProjectTeamOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse(ProjectTeamInput, request)
        given = services.add_project_team(actor=request.user, ref=ref, team_id=sent["team"], role=sent["role"])
        return one(given, ProjectTeamOut, status=201)


class ProjectTeamView(ApiView):
    @extend_schema(operation_id="get_project_team", responses=ProjectTeamOut)
    def get(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        project = selectors.get_project(request.user, ref)
        return one(selectors.get_project_team(project, team_id), ProjectTeamOut)

    @extend_schema(operation_id="update_project_team", request=ProjectTeamPatch, responses=ProjectTeamOut)
    def patch(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        role = parse(ProjectTeamPatch, request, partial=True).get("role")
        versions = if_match(request._request)
        given = services.change_project_team(actor=request.user, ref=ref, team_id=team_id, role=role, versions=versions)
        return one(given, ProjectTeamOut)

    @extend_schema(operation_id="remove_project_team", responses={204: None})
    def delete(self, request: Request, ref: str, team_id: uuid.UUID) -> Response:
        services.remove_project_team(
            actor=request.user, ref=ref, team_id=team_id, now=timezone.now(), versions=if_match(request._request)
        )
        return Response(status=204)


class SharesView(ApiView):
    @extend_schema(operation_id="list_task_shares", parameters=[PageQuery], responses=page_of(ShareOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        task = selectors.get_task(request.user, ref)
        window = Window.of(wanted, sorts=BY_ID, default="id", owner=f"{request.user.pk}:{task.pk}")
        found = selectors.shares_seen_by(request.user, task)
        return listing(request, take(found, window), ShareOut, wanted.get("fields"))

    @extend_schema(operation_id="share_task", request=ShareInput, responses={201: ShareOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse(ShareInput, request)
        share = services.share_task(
            actor=request.user, ref=ref, role=sent["role"], user_id=sent.get("user"), email=sent.get("email", "")
        )
        return one(share, ShareOut, status=201)


class ShareView(ApiView):
    @extend_schema(operation_id="get_task_share", responses=ShareOut)
    def get(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        task = selectors.get_task(request.user, ref)
        return one(selectors.get_share(task, user_id, reader=request.user), ShareOut)

    @extend_schema(operation_id="update_task_share", request=SharePatch, responses=ShareOut)
    def patch(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        role = parse(SharePatch, request, partial=True).get("role")
        versions = if_match(request._request)
        share = services.change_share(actor=request.user, ref=ref, user_id=user_id, role=role, versions=versions)
        return one(share, ShareOut)

    @extend_schema(operation_id="unshare_task", responses={204: None})
    def delete(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        services.unshare_task(actor=request.user, ref=ref, user_id=user_id, versions=if_match(request._request))
        return Response(status=204)


class ExplainAccessView(ApiView):
    @extend_schema(operation_id="explain_access", parameters=[ExplainQuery], responses=ExplanationOut)
    def get(self, request: Request) -> Response:
        wanted = query.parse(ExplainQuery, request.query_params)
        task = selectors.get_task(request.user, wanted["task"]) if "task" in wanted else None
        project = task.project if task else selectors.get_project(request.user, wanted["project"])
        user_id = uuid.UUID(wanted["user"]) if wanted.get("user", "me") != "me" else request.user.pk
        found = selectors.explain_access(request.user, user_id, project, task)
        if found is None:
            raise Invalid.field("user", "There is no such person.", "does_not_exist")
        return Response(ExplanationOut(found).data)
