from __future__ import annotations

import uuid
from typing import Any

from core.api.generics import CreateView, DeleteView, DetailView, ListView, UpdateView
from tasks.items import selectors as items_selectors
from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.project_scope import project_in_path
from tasks.projects import selectors as projects_selectors
from tasks.task_templates import selectors, services
from tasks.task_templates.serializers import TemplateInput, TemplateOut, TemplatePatch, TemplateTaskInput


class TaskTemplatesView(ListView, CreateView):
    """Task templates of a project. POST saves one: from a task, or from content of its own."""

    operation_ids = {"get": "list_task_templates", "post": "add_task_template"}
    has_undo = True
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = TemplateInput
    serializer_class = TemplateOut
    has_location = True
    parent_selector = projects_selectors.get_project
    list_selector = selectors.list_templates
    create_service = services.create


class TaskTemplateView(DetailView, UpdateView, DeleteView):
    """One task template."""

    operation_ids = {"get": "get_task_template", "patch": "update_task_template", "delete": "delete_task_template"}
    has_undo = True
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = TemplatePatch
    serializer_class = TemplateOut
    parent_selector = projects_selectors.get_project
    object_selector = selectors.get_template
    update_service = services.update

    def delete_object(self, ref: str, template_id: uuid.UUID) -> None:
        services.delete(actor=self.user, ref=ref, template_id=template_id, now=self.now, versions=self.versions)


class TemplateTasksView(CreateView):
    """New task from a template, with its checklist and subtasks."""

    operation_ids = {"post": "create_task_from_template"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_in_path
    input_serializer_class = TemplateTaskInput
    serializer_class = TaskOut
    to_json = TaskColumns.to_json

    def create_object(self, data: dict[str, Any], ref: str, template_id: uuid.UUID) -> TaskColumns:
        task = services.create_task(actor=self.user, ref=ref, template_id=template_id, now=self.now, **data)
        return items_selectors.get_task_columns(self.user, str(task.pk))
