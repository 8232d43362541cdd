"""Endpoints of projects, their states and their labels."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from core.api.endpoints import all_projects
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from core.api.query_params import FieldsQuerySerializer
from tasks.bulk import deletions
from tasks.bulk.api import DeleteByJobView
from tasks.models import BulkJob, Project
from tasks.project_scope import project_in_body, project_in_path, project_in_query, project_of_label_in_path
from tasks.projects import labels, selectors, services, states
from tasks.projects.serializers import (
    LabelInput,
    LabelOut,
    LabelPatch,
    LabelQuery,
    ProjectInput,
    ProjectOut,
    ProjectPatch,
    ProjectQuery,
    StateInput,
    StateOut,
    StatePatch,
)


class ProjectsView(ListView, CreateView):
    """List of the projects that the user sees; POST creates one."""

    operation_ids = {"get": "list_projects", "post": "create_project"}
    cacheable = True
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    # A key that is limited to some projects can neither list the others nor create one.
    project_from = all_projects
    query_serializer_class = ProjectQuery
    input_serializer_class = ProjectInput
    serializer_class = ProjectOut
    ordering_fields = {"name": Sort("name"), "created_at": Sort("created_at")}
    default_ordering = "name"
    has_location = True
    list_selector = selectors.list_projects
    create_service = services.create
    # Read again after a write, with the counts that the list has.
    result_selector = selectors.get_project


class ProjectView(DetailView, UpdateView, DeleteByJobView):
    """One project by id or key."""

    operation_ids = {"get": "get_project", "patch": "update_project", "delete": "delete_project"}
    has_undo = True
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    query_serializer_class = FieldsQuerySerializer
    patch_serializer_class = ProjectPatch
    serializer_class = ProjectOut
    object_selector = result_selector = selectors.get_project
    update_service = services.update
    services_take_now = True

    def delete_object(self, ref: str) -> BulkJob | None:
        return deletions.delete_project(actor=self.user, ref=ref, now=self.now, versions=self.versions)


class ArchiveView(ActionView, DeleteView):
    """The archived state of a project as a sub-resource: POST archives, DELETE restores."""

    operation_ids = {"post": "archive_project"}
    api_key_scope = {"POST": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    serializer_class = ProjectOut

    def perform_action(self, data: dict[str, Any], ref: str) -> Project:
        return self._set_archived(ref, archived=True)

    @extend_schema(operation_id="restore_project", responses={200: ProjectOut})
    def delete(self, request: Request, **url: Any) -> HttpResponse:
        return super().delete(request, **url)

    def delete_object(self, ref: str) -> Project:
        return self._set_archived(ref, archived=False)

    def _set_archived(self, ref: str, *, archived: bool) -> Project:
        project = services.archive(actor=self.user, ref=ref, now=self.now, archived=archived, versions=self.versions)
        return selectors.get_project(self.user, project.pk)


class StatesView(ListView, CreateView):
    """States of a project in their order."""

    operation_ids = {"get": "list_project_states", "post": "add_project_state"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = StateInput
    serializer_class = StateOut
    ordering_fields = {"position": Sort("position")}
    default_ordering = "position"
    parent_selector = selectors.get_project
    list_selector = selectors.list_states
    create_service = states.add


class StateView(DetailView, UpdateView, DeleteView):
    """One state of a project."""

    operation_ids = {"get": "get_project_state", "patch": "update_project_state", "delete": "delete_project_state"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = StatePatch
    serializer_class = StateOut
    parent_selector = selectors.get_project
    object_selector = selectors.get_state
    update_service = states.update

    def delete_object(self, ref: str, state_id: uuid.UUID) -> None:
        states.delete(actor=self.user, ref=ref, state_id=state_id, now=self.now, versions=self.versions)


class LabelsView(ListView, CreateView):
    """Labels of the visible projects."""

    operation_ids = {"get": "list_labels", "post": "create_label"}
    api_key_scope = {"GET": "labels:read", "POST": "labels:write"}
    project_from = {"GET": project_in_query, "POST": project_in_body}
    query_serializer_class = LabelQuery
    input_serializer_class = LabelInput
    serializer_class = LabelOut
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"
    has_location = True
    list_selector = selectors.list_labels
    create_service = labels.create


class LabelView(DetailView, UpdateView, DeleteByJobView):
    """One label."""

    operation_ids = {"get": "get_label", "patch": "update_label", "delete": "delete_label"}
    has_undo = True
    api_key_scope = {"GET": "labels:read", "PATCH": "labels:write", "DELETE": "labels:delete"}
    project_from = project_of_label_in_path
    patch_serializer_class = LabelPatch
    serializer_class = LabelOut
    object_selector = result_selector = selectors.get_label
    update_service = labels.update

    def delete_object(self, label_id: uuid.UUID) -> BulkJob | None:
        return deletions.delete_label(actor=self.user, label_id=label_id, now=self.now, versions=self.versions)
