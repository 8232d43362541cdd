"""Endpoints of the trash: list, restore, delete permanently."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from core.api.generics import ActionView, DeleteView, DetailView, ListView
from tasks.bulk import deletions
from tasks.bulk.api import job_response
from tasks.bulk.serializers import BulkJobOut
from tasks.models import BulkJob
from tasks.project_scope import project_in_query, project_of_trash_entry_in_path
from tasks.trash import purging, selectors
from tasks.trash.serializers import RestorationOut, TrashEntryOut, TrashQuery


class TrashView(ListView):
    """Deleted tasks, comments, labels and projects that the user may see, newest first."""

    operation_ids = {"get": "list_trash"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_in_query
    query_serializer_class = TrashQuery
    serializer_class = TrashEntryOut
    default_ordering = "-id"
    list_selector = selectors.list_entries


class TrashEntryView(DetailView, DeleteView):
    """One deleted object; DELETE removes it permanently."""

    operation_ids = {"get": "get_trash_entry", "delete": "purge_trash_entry"}
    api_key_scope = {"GET": "tasks:read", "DELETE": "tasks:delete"}
    project_from = project_of_trash_entry_in_path
    serializer_class = TrashEntryOut
    object_selector = selectors.get_entry
    has_versions = False

    def delete_object(self, entry_id: uuid.UUID) -> None:
        purging.purge(actor=self.user, entry_id=entry_id)


class RestoreView(ActionView):
    """Restoration of a deleted object with all that belongs to it."""

    operation_ids = {"post": "restore_trash_entry"}
    has_undo = True
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_trash_entry_in_path
    serializer_class = RestorationOut
    has_versions = False

    @extend_schema(
        request=None,
        responses={
            200: RestorationOut,
            202: OpenApiResponse(BulkJobOut, description="A worker restores more than 20,000 rows: see `Location`."),
        },
    )
    def post(self, request: Request, **url: Any) -> HttpResponse:
        restored = deletions.restore(actor=self.user, now=self.now, **url)
        return job_response(restored) if isinstance(restored, BulkJob) else self.object_response(restored)
