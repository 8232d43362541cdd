"""The doors to who sees what: teams in projects, single tasks shared with single people, and why."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.users.serializers import UserOut
from core.api import query_params
from core.api.fields import StrictChoiceField, StrictSerializer
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body
from core.errors import Invalid
from tasks.items import selectors as items_selectors
from tasks.members.serializers import UserOrEmailInput
from tasks.models import SharedRole, TaskShare
from tasks.project_scope import project_of_task_in_path
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors, services

SHARE_SORTS = {"id": Sort("id")}


class ShareInput(UserOrEmailInput):
    role = StrictChoiceField(choices=SharedRole.choices, default=SharedRole.VIEWER)


class SharePatch(StrictSerializer):
    role = StrictChoiceField(choices=SharedRole.choices)


class ShareOut(serializers.ModelSerializer[TaskShare]):
    user = UserOut()
    shared_by = UserOut(allow_null=True)

    class Meta:
        model = TaskShare
        fields = ["user", "role", "shared_by", "version", "created_at"]


class ExplainQuery(query_params.QuerySerializer):
    user = query_params.CommaSeparatedUUIDField(
        words=("me",), required=False, help_text="The id of a person, or `me`; the caller, if left out."
    )
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


class PermissionsOut(serializers.Serializer[Any]):
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
    message = serializers.CharField()


class ExplanationOut(serializers.Serializer[Any]):
    """What a person may do with a task or a project, and why."""

    user = UserOut()
    role = serializers.CharField(allow_null=True, help_text="The highest of what the reasons give.")
    permissions = PermissionsOut()
    reasons = ReasonOut(many=True)


class SharesView(ApiView):
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path

    @extend_schema(
        operation_id="list_task_shares", parameters=[PageQuerySerializer], responses=page_serializer(ShareOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        task = items_selectors.get_task(request.user, ref)
        window = PageRequest.of(wanted, sorts=SHARE_SORTS, default="id", owner=f"{request.user.pk}:{task.pk}")
        found = selectors.list_visible_shares(request.user, task)
        return list_response(request, paginate(found, window), ShareOut, wanted.get("fields"))

    @extend_schema(operation_id="share_task", request=ShareInput, responses={201: ShareOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse_body(ShareInput, request)
        share = services.add(
            actor=request.user, ref=ref, role=sent["role"], user_id=sent.get("user"), email=sent.get("email", "")
        )
        return object_response(share, ShareOut, status=201)


class ShareView(ApiView):
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path

    @extend_schema(operation_id="get_task_share", responses=ShareOut)
    def get(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        task = items_selectors.get_task(request.user, ref)
        return object_response(selectors.get_share(task, user_id, reader=request.user), ShareOut)

    @extend_schema(operation_id="update_task_share", request=SharePatch, responses=ShareOut)
    def patch(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        role = parse_body(SharePatch, request, partial=True).get("role")
        versions = parse_if_match(request._request)
        share = services.update(actor=request.user, ref=ref, user_id=user_id, role=role, versions=versions)
        return object_response(share, ShareOut)

    @extend_schema(operation_id="unshare_task", responses={204: None})
    def delete(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        services.remove(actor=request.user, ref=ref, user_id=user_id, versions=parse_if_match(request._request))
        return Response(status=204)


class ExplainAccessView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="explain_access", parameters=[ExplainQuery], responses=ExplanationOut)
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(ExplainQuery, request.query_params)
        task = items_selectors.get_task(request.user, wanted["task"]) if "task" in wanted else None
        project = task.project if task else projects_selectors.get_project(request.user, wanted["project"])
        user_id = uuid.UUID(wanted["user"]) if wanted.get("user", "me") != "me" else request.user.pk
        found = selectors.explain_access(request.user, user_id, project, task)
        if found is None:
            raise Invalid.field("user", "There is no such person.", "does_not_exist")
        return Response(ExplanationOut(found).data)
