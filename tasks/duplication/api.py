from __future__ import annotations

from typing import Any

from core.api.generics import ActionView
from tasks.duplication import services
from tasks.items import selectors as items_selectors
from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.project_scope import project_of_task_in_path


class DuplicateView(ActionView):
    """Copy of a task in its project."""

    operation_ids = {"post": "duplicate_task"}
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = TaskOut
    to_json = TaskColumns.to_json
    success_status = 201

    def perform_action(self, data: dict[str, Any], ref: str) -> TaskColumns:
        task = services.duplicate(actor=self.user, ref=ref, now=self.now)
        return items_selectors.get_task_columns(self.user, str(task.pk))
