from __future__ import annotations

from typing import Any, ClassVar

from accounts.users.serializers import UserOut
from core.api.generics import ActionView, ListView
from tasks.project_scope import project_of_task_in_path
from tasks.watching import selectors, services


class WatchersView(ListView):
    """Users who are notified of comments on a task and of its completion."""

    operation_ids = {"get": "list_task_watchers"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    serializer_class = UserOut
    list_selector = selectors.list_watchers


class WatchView(ActionView):
    """Choice of the caller to watch a task."""

    operation_ids = {"post": "watch_task"}
    api_key_scope = {"POST": "tasks:write"}
    project_from = project_of_task_in_path
    has_versions = False
    success_status = 204
    is_watching: ClassVar[bool] = True

    def perform_action(self, data: dict[str, Any], ref: str) -> None:
        services.set_watching(actor=self.user, ref=ref, is_watching=self.is_watching)


class UnwatchView(WatchView):
    """Choice of the caller not to watch a task."""

    operation_ids = {"post": "unwatch_task"}
    is_watching = False
