from __future__ import annotations

import uuid
from typing import Any

from core.api.generics import CreateView, DeleteView, DetailView, ListView, UpdateView
from tasks.comments import selectors, services
from tasks.comments.serializers import CommentInput, CommentOut
from tasks.items import selectors as items_selectors
from tasks.models import Comment
from tasks.project_scope import project_of_task_in_path


class CommentsView(ListView, CreateView):
    operation_ids = {"get": "list_comments", "post": "create_comment"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = CommentOut
    input_serializer_class = CommentInput
    parent_selector = items_selectors.get_task
    list_selector = selectors.list_comments
    create_service = services.add
    services_take_now = True


class CommentView(DetailView, UpdateView, DeleteView):
    operation_ids = {"get": "get_comment", "patch": "update_comment", "delete": "delete_comment"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path
    serializer_class = CommentOut
    patch_serializer_class = CommentInput
    parent_selector = items_selectors.get_task
    object_selector = selectors.get_comment
    delete_service = services.delete
    services_take_now = True

    def update_object(self, data: dict[str, Any], ref: str, comment_id: uuid.UUID) -> Comment:
        return services.update(
            actor=self.user, ref=ref, comment_id=comment_id, body=data.get("body"), now=self.now, versions=self.versions
        )
