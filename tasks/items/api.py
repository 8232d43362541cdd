"""The doors to tasks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.api import query_params
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, list_response_from_rows, object_response_from_row, parse_body
from core.errors import VersionConflict
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import StatsQuery, TaskQuery, filters_from_params
from tasks.items import api_queries, drafts, ordering, selectors, services
from tasks.items import stats as items_stats
from tasks.items.representation import field_names, to_json
from tasks.items.serializers import ActivityOut, MoveInput, StatsOut, TaskInput, TaskListOut, TaskOut, TaskPatch
from tasks.models import Task
from tasks.models.task import PRIORITY_NAMES
from tasks.project_scope import project_in_body, project_in_query, project_of_task_in_path


class TasksView(ApiView):
    cacheable = True
    uncacheable_params = {"overdue"}
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = {"GET": project_in_query, "POST": project_in_body}

    @extend_schema(operation_id="list_tasks", parameters=[TaskQuery], responses=page_serializer(TaskListOut))
    def get(self, request: Request) -> HttpResponse:
        wanted = query_params.parse_query(TaskQuery, request.query_params)
        window = PageRequest.of(
            wanted, sorts=filters_selectors.TASK_SORTS, default="-created_at", owner=str(request.user.pk)
        )
        include_description = "description" in wanted.get("include", ())
        piece = api_queries.list_task_columns(
            request.user, filters_from_params(wanted, request.user), window, include_description=include_description
        )
        rows = [to_json(line, include_description=include_description) for line in piece.rows]
        return list_response_from_rows(
            request, piece, rows, wanted.get("fields"), known=field_names(include_description=include_description)
        )

    @extend_schema(operation_id="create_task", request=TaskInput, responses={201: TaskOut})
    def post(self, request: Request) -> HttpResponse:
        sent = parse_body(TaskInput, request)
        project = sent.pop("project", "")
        draft = drafts.TaskDraft(**sent)
        task = services.create(actor=request.user, project_ref=project, draft=draft, now=timezone.now())
        row = _task_response(request.user, task)
        return object_response_from_row(row, status=201, location=f"/api/v1/tasks/{task.pk}/")


class TaskView(ApiView):
    cacheable = True
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path

    @extend_schema(operation_id="get_task", parameters=[query_params.FieldsQuerySerializer], responses=TaskOut)
    def get(self, request: Request, ref: str) -> HttpResponse:
        wanted = query_params.parse_query(query_params.FieldsQuerySerializer, request.query_params)
        return object_response_from_row(
            to_json(api_queries.get_task_columns(request.user, ref), include_description=True),
            wanted=wanted.get("fields"),
        )

    @extend_schema(operation_id="update_task", request=TaskPatch, responses=TaskOut)
    def patch(self, request: Request, ref: str) -> HttpResponse:
        changes: dict[str, Any] = parse_body(TaskPatch, request, partial=True)
        versions = parse_if_match(request._request)
        try:
            task = services.update(actor=request.user, ref=ref, changes=changes, now=timezone.now(), versions=versions)
        except VersionConflict as stale:
            raise _with_priority_names(stale) from stale
        return object_response_from_row(_task_response(request.user, task))

    @extend_schema(operation_id="delete_task", responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        services.delete(actor=request.user, ref=ref, now=timezone.now(), versions=parse_if_match(request._request))
        return Response(status=204)


def _task_response(user: User, task: Task) -> dict[str, Any]:
    """A write is answered with what GET would say."""
    return to_json(api_queries.get_task_columns(user, str(task.pk)), include_description=True)


def _with_priority_names(stale: VersionConflict) -> VersionConflict:
    """Say priorities by name, as callers do."""
    for side in (stale.current, stale.wanted):
        if "priority" in side:
            side["priority"] = PRIORITY_NAMES[side["priority"]]
    return stale


class MoveView(ApiView):
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path

    @extend_schema(operation_id="move_task", request=MoveInput, responses=TaskOut)
    def post(self, request: Request, ref: str) -> HttpResponse:
        sent = parse_body(MoveInput, request)
        task = ordering.move(
            actor=request.user, ref=ref, now=timezone.now(), versions=parse_if_match(request._request), **sent
        )
        return object_response_from_row(_task_response(request.user, task))


class ActivityView(ApiView):
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path

    @extend_schema(
        operation_id="list_task_activity", parameters=[PageQuerySerializer], responses=page_serializer(ActivityOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        task = selectors.get_task(request.user, ref)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=f"{request.user.pk}:{task.pk}")
        alone = selectors.has_share_only_access(request.user, task)
        return list_response(
            request, paginate(selectors.list_activity(task), window), ActivityOut, wanted.get("fields"), alone=alone
        )


class StatsView(ApiView):
    cacheable = True
    cache_for_one_minute = True  # what is overdue, and ages, change with the clock
    uncacheable_params = {"overdue"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_in_query

    @extend_schema(operation_id="get_task_stats", parameters=[StatsQuery], responses=StatsOut)
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(StatsQuery, request.query_params)
        filters = filters_from_params({}, request.user)
        stats = items_stats.get_task_stats(request.user, now=filters.now, today=filters.today, **wanted)
        return Response(stats)
