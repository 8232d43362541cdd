"""Endpoints of reactions to tasks and comments; a path without a comment means the task itself."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import Count
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from core.api.generics import DeleteView, ListView
from tasks.items import selectors as items_selectors
from tasks.project_scope import project_of_task_in_path
from tasks.reactions import selectors, services
from tasks.reactions.serializers import ReactionOut


class TaskReactionsView(ListView):
    """Reactions to a task, oldest first; `counts` has their number by emoji."""

    operation_ids = {"get": "list_task_reactions"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    serializer_class = ReactionOut
    total_fields: ClassVar = {"counts": serializers.DictField(child=serializers.IntegerField(), help_text="By emoji.")}
    parent_selector = items_selectors.get_task
    list_selector = selectors.list_reactions

    def get_totals(self) -> dict[str, Any]:
        rows = self.get_queryset(**self.kwargs).order_by().values_list("emoji")
        return {"counts": dict(rows.annotate(Count("pk")).order_by("emoji"))}


class CommentReactionsView(TaskReactionsView):
    """Reactions to a comment, oldest first; `counts` has their number by emoji."""

    operation_ids = {"get": "list_comment_reactions"}


class TaskReactionView(DeleteView):
    """The caller's reaction to a task with one emoji."""

    operation_ids = {"put": "add_task_reaction", "delete": "remove_task_reaction"}
    api_key_scope = {"PUT": "tasks:write", "DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = ReactionOut
    has_versions = False

    def put(self, request: Request, ref: str, emoji: str, comment_id: uuid.UUID | None = None) -> HttpResponse:
        """Add the caller's reaction; sent again, it changes nothing."""
        return self.object_response(services.add(actor=self.user, ref=ref, emoji=emoji, comment_id=comment_id))

    def delete_object(self, ref: str, emoji: str, comment_id: uuid.UUID | None = None) -> None:
        services.remove(actor=self.user, ref=ref, emoji=emoji, comment_id=comment_id)


class CommentReactionView(TaskReactionView):
    """The caller's reaction to a comment with one emoji."""

    operation_ids = {"put": "add_comment_reaction", "delete": "remove_comment_reaction"}
