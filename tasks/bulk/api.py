from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from core.api.endpoints import all_projects
from core.api.fields import StrictCharField, StrictIntegerField, StrictSerializer, StrictUUIDField, TitleField
from core.api.generics import ApiView, DetailView
from core.api.parsers import parse_body
from core.errors import Invalid
from tasks.bulk import background, selectors, services
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import filters_from_params
from tasks.items.assignees import MAX_ASSIGNEES
from tasks.items.serializers import TaskPatch
from tasks.models import BulkJob
from tasks.project_scope import projects_of_tasks_in_body
from tasks.projects.labels import MAX_LABELS


class BulkChanges(TaskPatch):
    """Changes of every task; `add_…` and `remove_…` keep what else each has."""

    title = None
    description = None
    parent = None
    add_assignees = serializers.ListField(child=StrictUUIDField(), required=False, max_length=MAX_ASSIGNEES)
    remove_assignees = serializers.ListField(child=StrictUUIDField(), required=False, max_length=MAX_ASSIGNEES)
    add_labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)
    remove_labels = serializers.ListField(child=TitleField(max_length=60), required=False, max_length=MAX_LABELS)


class BulkInput(StrictSerializer):
    """Tasks by `ids`, or all that match `filter` if they are `expected_count`."""

    ids = serializers.ListField(child=StrictUUIDField(), required=False, min_length=1, max_length=services.MAX_TASKS)
    filter = StrictCharField(required=False, max_length=2000, help_text="Terms of the filter language.")
    expected_count = StrictIntegerField(required=False, min_value=1, max_value=services.MAX_TASKS_OF_JOB)
    changes = BulkChanges()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"ids": "Name the tasks: by `ids` or by `filter`."})
        if ("filter" in attrs) != ("expected_count" in attrs):
            raise serializers.ValidationError({"expected_count": "Say how many tasks the filter matches."})
        if not attrs["changes"]:
            raise serializers.ValidationError({"changes": "Name at least one change."})
        return attrs


class BulkJobOut(serializers.ModelSerializer[BulkJob]):
    """A change of many tasks by a worker."""

    processed = serializers.SerializerMethodField(help_text="Tasks that the worker has looked at.")

    class Meta:
        model = BulkJob
        fields = ["id", "state", "total", "processed", "updated", "error", "undo_token", "created_at"]

    def get_processed(self, job: BulkJob) -> int:
        return background.get_progress(job)


class BulkOut(serializers.Serializer[background.BulkResult]):
    """How many tasks were matched, and how many of them had to be changed; or the job that will do it."""

    matched = serializers.IntegerField()
    updated = serializers.IntegerField()
    job = BulkJobOut(allow_null=True)


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


class BulkJobView(DetailView):
    operation_ids = {"get": "get_bulk_job"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = all_projects
    serializer_class = BulkJobOut
    has_versions = False
    object_selector = selectors.get_job
