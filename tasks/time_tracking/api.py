from __future__ import annotations

import uuid
from typing import Any

from core.api.endpoints import all_projects
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from tasks.items import selectors as items_selectors
from tasks.models import TimeEntry
from tasks.project_scope import project_of_task_in_path
from tasks.time_tracking import selectors, services
from tasks.time_tracking.serializers import CurrentTimerOut, TimeEntryInput, TimeEntryOut, TimeEntryPatch


class TimeEntriesView(ListView, CreateView):
    """Time entries of a task, newest first; POST logs minutes of the caller's own work."""

    operation_ids = {"get": "list_time_entries", "post": "create_time_entry"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    input_serializer_class = TimeEntryInput
    serializer_class = TimeEntryOut
    ordering_fields = {"started_at": Sort("started_at")}
    default_ordering = "-started_at"
    parent_selector = items_selectors.get_task
    list_selector = selectors.list_entries
    create_service = services.add
    services_take_now = True


class TimeEntryView(DetailView, UpdateView, DeleteView):
    """One time entry of a task."""

    operation_ids = {"get": "get_time_entry", "patch": "update_time_entry", "delete": "delete_time_entry"}
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path
    patch_serializer_class = TimeEntryPatch
    serializer_class = TimeEntryOut
    parent_selector = items_selectors.get_task
    object_selector = selectors.get_entry
    delete_service = services.delete
    services_take_now = True
    has_undo = True

    def update_object(self, data: dict[str, Any], ref: str, time_entry_id: uuid.UUID) -> TimeEntry:
        return services.update(
            actor=self.user, ref=ref, time_entry_id=time_entry_id, changes=data, now=self.now, versions=self.versions
        )


class StartTimerView(ActionView):
    """Start of the caller's timer on a task; a timer on another task is stopped."""

    operation_ids = {"post": "start_timer"}
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = TimeEntryOut

    def perform_action(self, data: dict[str, Any], ref: str) -> TimeEntry:
        return services.start(actor=self.user, ref=ref, now=self.now)


class StopTimerView(ActionView):
    """Stop of the caller's timer on a task."""

    operation_ids = {"post": "stop_timer"}
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = TimeEntryOut

    def perform_action(self, data: dict[str, Any], ref: str) -> TimeEntry:
        return services.stop(actor=self.user, ref=ref, now=self.now)


class TimerView(DetailView):
    """The caller's running timer, if there is one."""

    operation_ids = {"get": "get_timer"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = all_projects
    serializer_class = CurrentTimerOut
    object_selector = selectors.get_current_timer
    has_versions = False
