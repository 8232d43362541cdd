"""Endpoints of projects, their states and their labels."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from core.api.endpoints import all_projects
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from core.api.query_params import FieldsQuerySerializer
from tasks.models import Label, Project, State
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

    def get_queryset(self) -> QuerySet[Project]:
        projects = selectors.list_projects(self.user)
        if "search" in self.params:
            projects = projects.filter(name__icontains=self.params["search"])
        if "archived" in self.params:
            projects = projects.filter(archived_at__isnull=not self.params["archived"])
        return projects

    def create_object(self, data: dict[str, Any]) -> Project:
        project = services.create(actor=self.user, **data)
        # Read again, with the counts that the list has.
        return selectors.get_project(self.user, project.pk)


class ProjectView(DetailView, UpdateView, DeleteView):
    """One project by id or key."""

    operation_ids = {"get": "get_project", "patch": "update_project", "delete": "delete_project"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    query_serializer_class = FieldsQuerySerializer
    patch_serializer_class = ProjectPatch
    serializer_class = ProjectOut

    def get_object(self, ref: str) -> Project:
        return selectors.get_project(self.user, ref)

    def update_object(self, data: dict[str, Any], ref: str) -> Project:
        project = services.update(actor=self.user, ref=ref, changes=data, now=self.now, versions=self.versions)
        return selectors.get_project(self.user, project.pk)

    def delete_object(self, ref: str) -> None:
        services.delete(actor=self.user, ref=ref, versions=self.versions)


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

    def get_queryset(self, ref: str) -> QuerySet[State]:
        return selectors.list_states(selectors.get_project(self.user, ref))

    def create_object(self, data: dict[str, Any], ref: str) -> State:
        return states.add(actor=self.user, ref=ref, **data)


class StateView(DetailView, UpdateView, DeleteView):
    """One state of a project."""

    operation_ids = {"get": "get_project_state", "patch": "update_project_state", "delete": "delete_project_state"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = StatePatch
    serializer_class = StateOut

    def get_object(self, ref: str, state_id: uuid.UUID) -> State:
        return selectors.get_state(selectors.get_project(self.user, ref), state_id)

    def update_object(self, data: dict[str, Any], ref: str, state_id: uuid.UUID) -> State:
        return states.update(actor=self.user, ref=ref, state_id=state_id, name=data.get("name"), versions=self.versions)

    def delete_object(self, ref: str, state_id: uuid.UUID) -> None:
        states.delete(actor=self.user, ref=ref, state_id=state_id, versions=self.versions)


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

    def get_queryset(self) -> QuerySet[Label]:
        return selectors.list_labels(self.user, self.params.get("project", "")).select_related("project")

    def create_object(self, data: dict[str, Any]) -> Label:
        label = labels.create(actor=self.user, ref=data.pop("project"), **data)
        return selectors.get_label(self.user, label.pk)


class LabelView(DetailView, UpdateView, DeleteView):
    """One label."""

    operation_ids = {"get": "get_label", "patch": "update_label", "delete": "delete_label"}
    api_key_scope = {"GET": "labels:read", "PATCH": "labels:write", "DELETE": "labels:delete"}
    project_from = project_of_label_in_path
    patch_serializer_class = LabelPatch
    serializer_class = LabelOut

    def get_object(self, label_id: uuid.UUID) -> Label:
        return selectors.get_label(self.user, label_id)

    def update_object(self, data: dict[str, Any], label_id: uuid.UUID) -> Label:
        labels.update(actor=self.user, label_id=label_id, changes=data, versions=self.versions)
        return selectors.get_label(self.user, label_id)

    def delete_object(self, label_id: uuid.UUID) -> None:
        labels.delete(actor=self.user, label_id=label_id, versions=self.versions)
