from __future__ import annotations

from typing import Any

from core.api.generics import ActionView, DetailView
from tasks.items import selectors as items_selectors
from tasks.items.serializers import TaskOut
from tasks.items.task_columns import TaskColumns
from tasks.moving import selectors, services
from tasks.moving.selectors import MovePreview
from tasks.moving.serializers import MovePreviewOut, MovePreviewQuery, MoveToProjectInput
from tasks.project_scope import projects_of_move


class MoveToProjectView(ActionView):
    """Move of a task, with all below it, to another project.

    It gets a new key there; the old one goes on leading to it. The preview lists what does not come along.
    """

    operation_ids = {"post": "move_task_to_project"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = projects_of_move
    input_serializer_class = MoveToProjectInput
    serializer_class = TaskOut
    to_json = TaskColumns.to_json

    def perform_action(self, data: dict[str, Any], ref: str) -> TaskColumns:
        task = services.move(actor=self.user, ref=ref, now=self.now, versions=self.versions, **data)
        return items_selectors.get_task_columns(self.user, str(task.pk))


class MovePreviewView(DetailView):
    """Preview of a move to another project: what would not come along, and what would prevent it."""

    operation_ids = {"get": "preview_move_to_project"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = projects_of_move
    query_serializer_class = MovePreviewQuery
    serializer_class = MovePreviewOut
    has_versions = False

    def get_object(self, ref: str) -> MovePreview:
        return selectors.preview(self.user, ref, self.params["project"])
