from __future__ import annotations

import uuid
from typing import Any

from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from tasks.checklists import conversion, selectors, services
from tasks.checklists.serializers import ChecklistItemInput, ChecklistItemOut, ChecklistItemPatch, ConvertTaskInput
from tasks.items import selectors as items_selectors
from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.models import ChecklistItem
from tasks.project_scope import project_of_task_in_path


class ChecklistView(ListView, CreateView):
    """Items of a task's checklist, in their order."""

    operation_ids = {"get": "list_checklist_items", "post": "create_checklist_item"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = ChecklistItemOut
    input_serializer_class = ChecklistItemInput
    has_location = True
    ordering_fields = {"position": Sort("position")}
    default_ordering = "position"
    parent_selector = items_selectors.get_task
    list_selector = selectors.list_items
    create_service = services.add
    services_take_now = True


class ChecklistItemView(DetailView, UpdateView, DeleteView):
    operation_ids = {
        "get": "get_checklist_item",
        "patch": "update_checklist_item",
        "delete": "delete_checklist_item",
    }
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = ChecklistItemOut
    patch_serializer_class = ChecklistItemPatch
    parent_selector = items_selectors.get_task
    object_selector = selectors.get_item
    update_service = services.update
    delete_service = services.delete
    services_take_now = True


class ConvertChecklistItemView(ActionView):
    """Replacement of a checklist item by a subtask."""

    operation_ids = {"post": "convert_checklist_item"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = TaskOut
    to_json = TaskColumns.to_json
    success_status = 201

    def perform_action(self, data: dict[str, Any], ref: str, item_id: uuid.UUID) -> TaskColumns:
        task = services.convert(actor=self.user, ref=ref, item_id=item_id, now=self.now)
        return items_selectors.get_task_columns(self.user, str(task.pk))


class ConvertTaskView(ActionView):
    """Replacement of a task by an item of its parent's checklist, or of another task's.

    A task with parts that an item cannot hold, such as comments, is refused with 409 `not_convertible`.
    """

    operation_ids = {"post": "convert_task_to_checklist_item"}
    has_undo = True
    api_key_scope = {"POST": "tasks:delete"}
    project_from = project_of_task_in_path
    input_serializer_class = ConvertTaskInput
    serializer_class = ChecklistItemOut
    success_status = 201

    def perform_action(self, data: dict[str, Any], ref: str) -> ChecklistItem:
        return conversion.convert_task(actor=self.user, ref=ref, now=self.now, versions=self.versions, **data)
