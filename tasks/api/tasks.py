"""The doors to tasks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.errors import Stale
from gateway import query
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listed, listing, parse, shown
from tasks import selectors, services
from tasks.api.lines import as_json, names
from tasks.api.queries import StatsQuery, TaskQuery, filters_of
from tasks.api.serializers import PRIORITIES, ActivityOut, MoveInput, StatsOut, TaskInput, TaskOut, TaskPatch, TaskRow
from tasks.models import Task


class TasksView(ApiView):
    @extend_schema(operation_id="list_tasks", parameters=[TaskQuery], responses=page_of(TaskRow))
    def get(self, request: Request) -> HttpResponse:
        wanted = query.parse(TaskQuery, request.query_params)
        window = Window.of(wanted, sorts=selectors.SORTS, default="-created_at", owner=str(request.user.pk))
        described = "description" in wanted.get("include", ())
        piece = selectors.list_rows(request.user, filters_of(wanted, request.user), window, described=described)
        rows = [as_json(line, described=described) for line in piece.rows]
        return listed(request, piece, rows, wanted.get("fields"), known=names(described=described))

    @extend_schema(operation_id="create_task", request=TaskInput, responses={201: TaskOut})
    def post(self, request: Request) -> HttpResponse:
        sent = parse(TaskInput, request)
        project = sent.pop("project", "")
        draft = services.Draft(**sent)
        task = services.create_task(actor=request.user, project_ref=project, draft=draft, now=timezone.now())
        row = _in_full(request.user, task)
        return shown(row, status=201, location=f"/api/v1/tasks/{task.pk}/")


class TaskView(ApiView):
    @extend_schema(operation_id="get_task", parameters=[query.FieldsQuery], responses=TaskOut)
    def get(self, request: Request, ref: str) -> HttpResponse:
        wanted = query.parse(query.FieldsQuery, request.query_params)
        return shown(as_json(selectors.get_row(request.user, ref), described=True), wanted=wanted.get("fields"))

    @extend_schema(operation_id="update_task", request=TaskPatch, responses=TaskOut)
    def patch(self, request: Request, ref: str) -> HttpResponse:
        changes: dict[str, Any] = parse(TaskPatch, request, partial=True)
        versions = if_match(request._request)
        try:
            task = services.update_task(
                actor=request.user, ref=ref, changes=changes, now=timezone.now(), versions=versions
            )
        except Stale as stale:
            raise _as_sent(stale) from stale
        return shown(_in_full(request.user, task))

    @extend_schema(operation_id="delete_task", responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        services.delete_task(actor=request.user, ref=ref, now=timezone.now(), versions=if_match(request._request))
        return Response(status=204)


def _in_full(user: User, task: Task) -> dict[str, Any]:
    """A write is answered with what GET would say."""
    return as_json(selectors.get_row(user, str(task.pk)), described=True)


def _as_sent(stale: Stale) -> Stale:
    """Say priorities by name, as callers do."""
    for side in (stale.current, stale.wanted):
        if "priority" in side:
            side["priority"] = PRIORITIES[side["priority"]]
    return stale


class MoveView(ApiView):
    @extend_schema(operation_id="move_task", request=MoveInput, responses=TaskOut)
    def post(self, request: Request, ref: str) -> HttpResponse:
        sent = parse(MoveInput, request)
        task = services.move_task(
            actor=request.user, ref=ref, now=timezone.now(), versions=if_match(request._request), **sent
        )
        return shown(_in_full(request.user, task))


class ActivityView(ApiView):
    @extend_schema(operation_id="list_task_activity", parameters=[PageQuery], responses=page_of(ActivityOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        task = selectors.get_task(request.user, ref)
        window = Window.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=f"{request.user.pk}:{task.pk}")
        alone = selectors.sees_it_alone(request.user, task)
        return listing(request, take(selectors.activity(task), window), ActivityOut, wanted.get("fields"), alone=alone)


class StatsView(ApiView):
    @extend_schema(operation_id="get_task_stats", parameters=[StatsQuery], responses=StatsOut)
    def get(self, request: Request) -> Response:
        wanted = query.parse(StatsQuery, request.query_params)
        filters = filters_of({}, request.user)
        stats = selectors.task_stats(request.user, now=filters.now, today=filters.today, **wanted)
        return Response(stats)
