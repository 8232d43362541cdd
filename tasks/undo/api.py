from __future__ import annotations

from typing import Any

from core.api.generics import ActionView
from tasks.project_scope import project_of_undo_token_in_body
from tasks.undo import services
from tasks.undo.serializers import UndoInput, UndoneOut


class UndoView(ActionView):
    """Undo of one of the caller's own writes of the last ten minutes; its response carries a token to redo it."""

    operation_ids = {"post": "undo_write"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_undo_token_in_body
    input_serializer_class = UndoInput
    serializer_class = UndoneOut
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> services.Undone:
        return services.undo(actor=self.user, token=data["token"], now=self.now)
