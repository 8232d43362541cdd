"""Endpoints of tasks, their order, activity and statistics."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.serializers import IntegerField

from core.api.generics import ActionView, CreateView, DetailView, ListView, UpdateView
from core.api.pagination import Page, PageQuerySerializer, PageRequest
from core.errors import VersionConflict
from events.models import Event
from tasks.bulk import deletions
from tasks.bulk.api import DeleteByJobView
from tasks.filters.query_params import StatsQuery, TaskQuery, filters_from_params
from tasks.filters.selectors import TASK_SORTS, TaskFilters
from tasks.history import selectors as history_selectors
from tasks.items import api_queries, field_order, ordering, page_queries, selectors, services, stats
from tasks.items.drafts import TaskDraft
from tasks.items.serializers import (
    ActivityOut,
    MoveInput,
    StatsOut,
    TaskDetailQuery,
    TaskInput,
    TaskListOut,
    TaskOut,
    TaskPatch,
)
from tasks.items.task_columns import FIELD_NAMES, LIST_EXTRAS, TaskColumns
from tasks.models.task import PRIORITY_NAMES
from tasks.project_scope import project_in_body, project_in_query, project_of_task_in_path


class TaskListView(ListView):
    """List of the visible tasks; of those in a saved filter where the path names one."""

    cacheable = True
    # Tasks become overdue, and days pass, without any write that would invalidate a cached response.
    uncacheable_params = {"overdue", "filter", "saved_filter"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = {"GET": project_in_query}
    query_serializer_class = TaskQuery
    serializer_class = TaskOut
    to_json = TaskColumns.to_json
    list_serializer_class = TaskListOut
    total_fields: ClassVar = {
        "closed_matches": IntegerField(
            required=False,
            help_text="Only with `search`: how many closed tasks match that `category` leaves out, counted up to "
            f"{page_queries.MAX_SEARCH_COUNT + 1}.",
        )
    }
    ordering_fields = TASK_SORTS
    default_ordering = "-created_at"

    @property
    def include(self) -> frozenset[str]:
        return frozenset(self.params.get("include", ()))

    @cached_property
    def filters(self) -> TaskFilters:
        saved_filter = {"saved_filter": self.kwargs["filter_id"]} if "filter_id" in self.kwargs else {}
        return filters_from_params(self.params | saved_filter, self.user)

    def get_page(self, page_request: PageRequest, **_url: Any) -> Page[TaskColumns]:
        by_field = field_order.is_field_ordering(page_request.ordering)
        list_tasks = field_order.list_by_field if by_field else api_queries.list_task_columns
        return list_tasks(self.user, self.filters, page_request, include=self.include)

    def get_totals(self) -> dict[str, int]:
        if not self.filters.search:
            return {}
        return {"closed_matches": page_queries.count_closed_matches(self.user, self.filters)}

    def serialize_page(self, page: Page[TaskColumns]) -> list[dict[str, Any]]:
        include = self.include
        return [task.to_json(include=include) for task in page.rows]

    def get_field_names(self) -> tuple[str, ...]:
        include = self.include
        return tuple(name for name in FIELD_NAMES if name in include or name not in LIST_EXTRAS)


class TasksView(TaskListView, CreateView):
    """List of the visible tasks; POST creates one."""

    operation_ids = {"get": "list_tasks", "post": "create_task"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = {"GET": project_in_query, "POST": project_in_body}
    input_serializer_class = TaskInput
    has_location = True

    def create_object(self, data: dict[str, Any]) -> TaskColumns:
        project = data.pop("project", "")
        data.setdefault("fields", {})  # filled in by a caller, who has to give required ones
        # Read again by its columns: the response and its ETag are those that GET would give.
        task = services.create(actor=self.user, project_ref=project, draft=TaskDraft(**data), now=self.now)
        return selectors.get_task_columns(self.user, str(task.pk))


class TaskView(DetailView, UpdateView, DeleteByJobView):
    """One task by id or key."""

    operation_ids = {"get": "get_task", "patch": "update_task", "delete": "delete_task"}
    has_undo = True
    cacheable = True
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path
    query_serializer_class = TaskDetailQuery
    # An event of a transaction that has not ended yet may be older than the instant.
    uncacheable_params = {"as_of"}
    patch_serializer_class = TaskPatch
    serializer_class = TaskOut
    to_json = TaskColumns.to_json
    delete_service = deletions.delete_task
    services_take_now = True

    def get_object(self, ref: str) -> TaskColumns:
        if as_of := self.params.get("as_of"):
            return history_selectors.get_task_columns_as_of(self.user, ref, as_of=as_of, now=self.now)
        return selectors.get_task_columns(self.user, ref)

    def update_object(self, data: dict[str, Any], ref: str) -> TaskColumns:
        try:
            task = services.update(actor=self.user, ref=ref, changes=data, now=self.now, versions=self.versions)
        except VersionConflict as conflict:
            # The service compares numbers; callers know priorities by name.
            for side in (conflict.current, conflict.requested):
                if "priority" in side:
                    side["priority"] = PRIORITY_NAMES[side["priority"]]
            raise
        return selectors.get_task_columns(self.user, str(task.pk))


class MoveView(ActionView):
    """Move of a task in the manual order of its project."""

    operation_ids = {"post": "move_task"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    input_serializer_class = MoveInput
    serializer_class = TaskOut
    to_json = TaskColumns.to_json

    def perform_action(self, data: dict[str, Any], ref: str) -> TaskColumns:
        task = ordering.move(actor=self.user, ref=ref, now=self.now, versions=self.versions, **data)
        return selectors.get_task_columns(self.user, str(task.pk))


class ActivityView(ListView):
    """History of a task, newest first."""

    operation_ids = {"get": "list_task_activity"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    query_serializer_class = PageQuerySerializer
    serializer_class = ActivityOut
    default_ordering = "-id"
    share_only = False

    def get_queryset(self, ref: str) -> QuerySet[Event]:
        task = selectors.get_task(self.user, ref)
        self.share_only = selectors.has_share_only_access(self.user, task)
        return selectors.list_activity(task)

    def get_serializer_context(self) -> dict[str, Any]:
        return {"share_only": self.share_only}


class StatsView(DetailView):
    """Counts and averages of the visible tasks."""

    operation_ids = {"get": "get_task_stats"}
    cacheable = True
    # Ages and overdue tasks change with the clock.
    cache_for_one_minute = True
    uncacheable_params = {"overdue"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_in_query
    query_serializer_class = StatsQuery
    serializer_class = StatsOut
    has_versions = False

    def get_object(self) -> dict[str, Any]:
        filters = filters_from_params({}, self.user)
        return stats.get_task_stats(self.user, now=filters.now, today=filters.today, **self.params)
