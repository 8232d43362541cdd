"""Endpoints of quick add: what a text means, and the task that it creates."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.models import User
from core.api.generics import ActionView
from core.clock import current_time
from tasks.items import selectors as items_selectors
from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.project_scope import project_in_body
from tasks.quick_add import interpretation, services
from tasks.quick_add.parsing import MAX_LENGTH
from tasks.quick_add.serializers import QuickAddOut, QuickAddText


def projects_in_text(user: User, request: Request) -> Collection[UUID] | None:
    """Return the projects that `text` in the body names, or else `project`."""
    body = request.data
    text = body.get("text") if isinstance(body, dict) else None
    if isinstance(text, str) and len(text) <= MAX_LENGTH:
        named = interpretation.named_project_ids(user, text, now=current_time())
        if named:
            return [*named, *(project_in_body(user, request) or ())]
    return project_in_body(user, request)


class ParseView(ActionView):
    """Check of a quick-add text: the task that it would create, with the places of what was understood."""

    operation_ids = {"post": "parse_quick_add"}
    api_key_scope = {"POST": "tasks:read"}
    project_from = projects_in_text
    input_serializer_class = QuickAddText
    serializer_class = QuickAddOut
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> interpretation.Interpretation:
        return interpretation.interpret(user=self.user, now=self.now, **data)


class QuickAddView(ActionView):
    """Creation of a task from one line of text. What is not understood stays in the title."""

    operation_ids = {"post": "quick_add_task"}
    api_key_scope = {"POST": "tasks:write"}
    project_from = projects_in_text
    input_serializer_class = QuickAddText
    serializer_class = TaskOut
    to_json = TaskColumns.to_json
    success_status = 201

    def perform_action(self, data: dict[str, Any]) -> TaskColumns:
        task = services.create(actor=self.user, now=self.now, **data)
        return items_selectors.get_task_columns(self.user, str(task.pk))
