"""Endpoints of a task's recurrence, and of the preview of a rule."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from core.api.endpoints import no_projects
from core.api.generics import DeleteView, DetailView
from core.api.parsers import parse_body
from tasks.project_scope import project_of_task_in_path
from tasks.recurrence import selectors, services
from tasks.recurrence.schedule import upcoming_days
from tasks.recurrence.serializers import PreviewOut, PreviewQuery, RecurrenceInput, RecurrenceOut, next_occurrences
from tasks.recurrence.wording import describe


class RecurrenceView(DetailView, DeleteView):
    """The series whose current task this is."""

    operation_ids = {
        "get": "get_task_recurrence",
        "put": "set_task_recurrence",
        "delete": "remove_task_recurrence",
    }
    api_key_scope = {"GET": "tasks:read", "PUT": "tasks:write", "DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = RecurrenceOut
    put_serializer_class = RecurrenceInput
    object_selector = selectors.get_recurrence_of_task
    delete_service = services.remove
    services_take_now = True

    def put(self, request: Request, ref: str) -> HttpResponse:
        """Let the task repeat by this rule; its due date is the first occurrence of a new one."""
        data = parse_body(RecurrenceInput, request)
        recurrence = services.set_recurrence(
            actor=self.user, ref=ref, values=data, now=self.now, versions=self.versions
        )
        return self.object_response(recurrence)


class PreviewView(DetailView):
    """A recurrence rule in words, with its next occurrences; nothing is saved."""

    operation_ids = {"get": "preview_recurrence"}
    api_key_scope = {"GET": "tasks:read"}
    project_from = no_projects
    query_serializer_class = PreviewQuery
    serializer_class = PreviewOut
    has_versions = False

    def get_object(self) -> dict[str, Any]:
        series = services.preview_series(user=self.user, now=self.now, **self.params)
        days = upcoming_days(series, after=series.starts_on, number=1, now=self.now)
        return {
            "rule": str(series.rule),
            "description": describe(series),
            "next": next_occurrences(series, days),
        }
