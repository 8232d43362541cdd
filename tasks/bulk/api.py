from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.endpoints import all_projects
from core.api.generics import ActionView, ApiView, DeleteView, DetailView
from core.api.parsers import parse_body
from core.errors import Invalid
from tasks.bulk import background, removals, selectors, services
from tasks.bulk.serializers import BulkDeletionInput, BulkDeletionOut, BulkInput, BulkJobOut, BulkOut
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import filters_from_params
from tasks.models import BulkJob
from tasks.project_scope import projects_of_tasks_in_body


class DeleteByJobView(DeleteView):
    """DELETE of one object: 204, or 202 with the job of a worker for more than 20,000 rows."""

    @extend_schema(
        responses={204: None, 202: OpenApiResponse(BulkJobOut, description="A worker deletes it: see `Location`.")}
    )
    def delete(self, request: Request, **url: Any) -> HttpResponse:
        job = self.delete_object(**url)
        return super().object_response(None) if job is None else job_response(job)


def job_response(job: BulkJob) -> HttpResponse:
    """Answer 202 with a job and its address."""
    headers = {"Location": f"/api/v1/tasks/bulk/{job.pk}/", "Retry-After": "2"}
    return Response(BulkJobOut(job).data, status=202, headers=headers)


class BulkUpdateView(ApiView):
    """Change of many tasks: all or none. Up to 1,000 at once; more are a job."""

    api_key_scope = {"PATCH": "tasks:write"}
    project_from = projects_of_tasks_in_body
    patch_serializer_class = BulkInput
    serializer_class = BulkOut
    has_versions = False

    @extend_schema(
        operation_id="update_tasks",
        request=BulkInput,
        responses={200: BulkOut, 202: OpenApiResponse(BulkOut, description="A worker makes the change: see `job`.")},
    )
    def patch(self, request: Request) -> HttpResponse:
        data = parse_body(BulkInput, request)
        changes = dict(data["changes"])
        if ids := data.get("ids"):
            if len(set(ids)) != len(ids):
                raise Invalid.field("ids", "Name each task once.", "duplicate")
            updated = services.update(actor=self.user, ids=ids, changes=changes, now=self.now)
            result = background.BulkResult(len(ids), len(updated))
        else:
            filters = filters_from_params({"filter": data["filter"]}, self.user)
            result = background.update_matching(
                actor=self.user,
                matching=filters_selectors.filter_visible(self.user, filters),
                expected_count=data["expected_count"],
                changes=changes,
                now=self.now,
            )
        return self.object_response(result, status=202 if result.job else 200)


class BulkDeletionView(ActionView):
    """Deletion of up to 200 tasks: all are moved to the trash, or none."""

    operation_ids = {"post": "delete_tasks"}
    has_undo = True
    api_key_scope = {"POST": "tasks:delete"}
    project_from = projects_of_tasks_in_body
    input_serializer_class = BulkDeletionInput
    serializer_class = BulkDeletionOut
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> dict[str, int]:
        if len(set(data["ids"])) != len(data["ids"]):
            raise Invalid.field("ids", "Name each task once.", "duplicate")
        return {"deleted": len(removals.delete_tasks(actor=self.user, ids=data["ids"], now=self.now))}


class BulkJobView(DetailView):
    operation_ids = {"get": "get_bulk_job"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = all_projects
    serializer_class = BulkJobOut
    has_versions = False
    object_selector = selectors.get_job
