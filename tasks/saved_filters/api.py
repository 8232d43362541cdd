"""Endpoints of saved filters, subscriptions to them, and the filter language."""

from __future__ import annotations

import uuid
from typing import Any

from core.api.endpoints import all_projects
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from core.api.query_params import FieldsQuerySerializer
from tasks.filters import parsing
from tasks.items.api import TaskListView
from tasks.saved_filters import selectors, services, subscriptions
from tasks.saved_filters.serializers import (
    FilterText,
    ParsedFilter,
    SavedFilterInput,
    SavedFilterOut,
    SavedFilterPatch,
    SavedFilterQuery,
)


class SavedFiltersView(ListView, CreateView):
    """List of the user's saved filters and of those shared with the user; POST saves one."""

    operation_ids = {"get": "list_saved_filters", "post": "create_saved_filter"}
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    # A filter may name any project.
    project_from = all_projects
    query_serializer_class = SavedFilterQuery
    input_serializer_class = SavedFilterInput
    serializer_class = SavedFilterOut
    ordering_fields = {"name": Sort("name"), "position": Sort("position"), "created_at": Sort("created_at")}
    default_ordering = "position"
    has_location = True
    list_selector = selectors.list_saved_filters
    create_service = services.create
    services_take_now = True
    result_selector = selectors.get_saved_filter


class SavedFilterView(DetailView, UpdateView, DeleteView):
    """One saved filter. Only its owner can change it."""

    operation_ids = {"get": "get_saved_filter", "patch": "update_saved_filter", "delete": "delete_saved_filter"}
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = all_projects
    query_serializer_class = FieldsQuerySerializer
    patch_serializer_class = SavedFilterPatch
    serializer_class = SavedFilterOut
    object_selector = selectors.get_saved_filter
    result_selector = selectors.get_saved_filter
    delete_service = services.delete
    services_take_now = True

    def update_object(self, data: dict[str, Any], filter_id: uuid.UUID) -> Any:
        services.update(actor=self.user, filter_id=filter_id, changes=data, now=self.now, versions=self.versions)
        return selectors.get_saved_filter(self.user, filter_id)


class SavedFilterTasksView(TaskListView):
    """List of the visible tasks in a saved filter. The parameters narrow it further."""

    operation_ids = {"get": "list_saved_filter_tasks"}
    api_key_scope = {"GET": "tasks:read"}
    # Its owner may change the text without a write to any task.
    cacheable = False


class SubscriptionView(CreateView, DeleteView):
    """Subscription to a saved filter: a notification for each task that enters it."""

    operation_ids = {"post": "subscribe_to_saved_filter", "delete": "unsubscribe_from_saved_filter"}
    api_key_scope = {"POST": "tasks:write", "DELETE": "tasks:write"}
    project_from = all_projects
    serializer_class = SavedFilterOut
    create_service = subscriptions.subscribe
    delete_service = subscriptions.unsubscribe
    result_selector = selectors.get_saved_filter

    def create_object(self, data: dict[str, Any], filter_id: uuid.UUID) -> Any:
        subscriptions.subscribe(actor=self.user, filter_id=filter_id, now=self.now)
        return selectors.get_saved_filter(self.user, filter_id)


class ParseView(ActionView):
    """Check of a filter text: its canonical form and its terms with their places, or errors with their positions."""

    operation_ids = {"post": "parse_filter"}
    api_key_scope = {"POST": "tasks:read"}
    project_from = all_projects
    input_serializer_class = FilterText
    serializer_class = ParsedFilter
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> dict[str, Any]:
        return parsing.parse_for(self.user, data["filter"], now=self.now)
