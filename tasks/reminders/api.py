from __future__ import annotations

from core.api.generics import CreateView, DeleteView, ListView
from tasks.project_scope import project_of_task_in_path
from tasks.reminders import selectors, services
from tasks.reminders.serializers import ReminderInput, ReminderOut


class RemindersView(ListView, CreateView):
    """The caller's own reminders of a task."""

    operation_ids = {"get": "list_task_reminders", "post": "create_task_reminder"}
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = ReminderOut
    input_serializer_class = ReminderInput
    list_selector = selectors.list_reminders
    create_service = services.add
    services_take_now = True
    has_versions = False


class ReminderView(DeleteView):
    """One of the caller's own reminders."""

    operation_ids = {"delete": "delete_task_reminder"}
    api_key_scope = {"DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    delete_service = services.delete
    services_take_now = True
