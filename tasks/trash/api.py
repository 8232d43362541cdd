"""Endpoints of the trash: list, restore, delete permanently."""

from __future__ import annotations

import uuid
from typing import Any

from core.api.generics import ActionView, DeleteView, DetailView, ListView
from tasks.project_scope import project_in_query, project_of_trash_entry_in_path
from tasks.trash import purging, selectors, services
from tasks.trash.restoration import Restoration
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

    def perform_action(self, data: dict[str, Any], entry_id: uuid.UUID) -> Restoration:
        return services.restore(actor=self.user, entry_id=entry_id, now=self.now)
