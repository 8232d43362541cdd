"""Endpoints of former texts."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet

from core.api.generics import DetailView, ListView
from core.api.pagination import Page, PageQuerySerializer
from events.models import Event
from tasks.history import selectors
from tasks.history.serializers import CommentVersionsOut, TextVersionOut
from tasks.items import selectors as items_selectors
from tasks.project_scope import project_of_task_in_path


class DescriptionVersionsView(ListView):
    """Changes of a task's description, newest first, each with its word diff."""

    operation_ids = {"get": "list_task_versions"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    query_serializer_class = PageQuerySerializer
    serializer_class = TextVersionOut
    default_ordering = "-id"

    def get_queryset(self, ref: str) -> QuerySet[Event]:
        return selectors.list_description_changes(items_selectors.get_task(self.user, ref))

    def serialize_page(self, page: Page[Any]) -> list[dict[str, Any]]:
        return list(TextVersionOut([selectors.description_version(event) for event in page.rows], many=True).data)


class CommentVersionsView(DetailView):
    """Changes of a comment, newest first, each with its word diff."""

    operation_ids = {"get": "list_comment_versions"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    serializer_class = CommentVersionsOut
    has_versions = False

    def get_object(self, ref: str, comment_id: uuid.UUID) -> dict[str, Any]:
        return {"results": selectors.list_comment_versions(self.user, ref, comment_id)}
