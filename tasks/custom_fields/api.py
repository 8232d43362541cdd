"""Endpoints of custom fields, their options and the values of tasks."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from core.api.endpoints import all_projects, no_projects
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from core.api.query_params import FieldsQuerySerializer, parse_query
from tasks.custom_fields import definitions, options, placement, selectors, services
from tasks.custom_fields.serializers import (
    FieldInput,
    FieldOut,
    FieldPatch,
    FieldQuery,
    LinkInput,
    MoveFieldInput,
    OptionDeleteQuery,
    OptionInput,
    OptionOut,
    OptionPatch,
    ProjectFieldOut,
    TaskFieldsOut,
    TaskFieldsPatch,
)
from tasks.custom_fields.values import TaskValues
from tasks.models import CustomField
from tasks.project_scope import project_in_path, project_of_field_in_path, project_of_task_in_path
from tasks.projects import selectors as projects_selectors


class ProjectFieldsView(ListView, CreateView):
    """Fields of a project in their order, own and shared; POST creates one of its own."""

    operation_ids = {"get": "list_project_fields", "post": "create_project_field"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    query_serializer_class = FieldQuery
    input_serializer_class = FieldInput
    serializer_class = ProjectFieldOut
    ordering_fields = {"position": Sort("position")}
    default_ordering = "position"
    has_location = True
    parent_selector = projects_selectors.get_project
    list_selector = selectors.list_fields_of_project

    def create_object(self, data: dict[str, Any], ref: str) -> CustomField:
        field = definitions.create(actor=self.user, ref=ref, **data)
        return selectors.get_project_field(projects_selectors.get_project(self.user, ref), field.pk)


class ProjectFieldView(DetailView, UpdateView, DeleteView):
    """One field of a project."""

    operation_ids = {"get": "get_project_field", "patch": "update_project_field", "delete": "delete_project_field"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    query_serializer_class = FieldsQuerySerializer
    patch_serializer_class = FieldPatch
    serializer_class = ProjectFieldOut
    parent_selector = projects_selectors.get_project
    object_selector = selectors.get_project_field
    delete_service = definitions.delete
    services_take_now = True

    def update_object(self, data: dict[str, Any], ref: str, field_id: uuid.UUID) -> CustomField:
        definitions.update(
            actor=self.user, ref=ref, field_id=field_id, changes=data, now=self.now, versions=self.versions
        )
        return selectors.get_project_field(projects_selectors.get_project(self.user, ref), field_id)


class MoveFieldView(ActionView):
    """Move of a field in the order of its project."""

    operation_ids = {"post": "move_project_field"}
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = MoveFieldInput
    serializer_class = ProjectFieldOut

    def perform_action(self, data: dict[str, Any], ref: str, field_id: uuid.UUID) -> CustomField:
        placement.move(actor=self.user, ref=ref, field_id=field_id, **data)
        return selectors.get_project_field(projects_selectors.get_project(self.user, ref), field_id)


class LinkedFieldsView(CreateView):
    """Shared fields in a project: POST adds one, as its last field."""

    operation_ids = {"post": "add_shared_field"}
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = LinkInput
    serializer_class = ProjectFieldOut

    def create_object(self, data: dict[str, Any], ref: str) -> CustomField:
        project = placement.link(actor=self.user, ref=ref, field_id=data["field"])
        return selectors.get_project_field(project, data["field"])


class LinkedFieldView(DeleteView):
    """One shared field in a project; DELETE takes it out."""

    operation_ids = {"delete": "remove_shared_field"}
    api_key_scope = {"DELETE": "projects:delete"}
    project_from = project_in_path

    def delete_object(self, ref: str, shared_field_id: uuid.UUID) -> None:
        placement.unlink(actor=self.user, ref=ref, field_id=shared_field_id)


class SharedFieldsView(ListView, CreateView):
    """Fields that any project can use; administrators create them."""

    operation_ids = {"get": "list_shared_fields", "post": "create_shared_field"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = {"GET": no_projects, "POST": all_projects}
    input_serializer_class = FieldInput
    serializer_class = FieldOut
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"
    has_location = True
    list_selector = selectors.list_shared_fields
    create_service = definitions.create
    result_selector = selectors.get_shared_field


class SharedFieldView(DetailView, UpdateView, DeleteView):
    """One shared field."""

    operation_ids = {"get": "get_shared_field", "patch": "update_shared_field", "delete": "delete_shared_field"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = {"GET": no_projects, "PATCH": all_projects, "DELETE": all_projects}
    query_serializer_class = FieldsQuerySerializer
    patch_serializer_class = FieldPatch
    serializer_class = FieldOut
    object_selector = selectors.get_shared_field

    def update_object(self, data: dict[str, Any], shared_field_id: uuid.UUID) -> CustomField:
        field = selectors.get_shared_field(self.user, shared_field_id)
        definitions.update(actor=self.user, field_id=field.pk, changes=data, now=self.now, versions=self.versions)
        return selectors.get_shared_field(self.user, shared_field_id)

    def delete_object(self, shared_field_id: uuid.UUID) -> None:
        field = selectors.get_shared_field(self.user, shared_field_id)
        definitions.delete(actor=self.user, field_id=field.pk, now=self.now, versions=self.versions)


class OptionsView(ListView, CreateView):
    """Options of a field, shared or of a project, in their order."""

    operation_ids = {"get": "list_field_options", "post": "add_field_option"}
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_of_field_in_path
    input_serializer_class = OptionInput
    serializer_class = OptionOut
    ordering_fields = {"position": Sort("position")}
    default_ordering = "position"
    parent_selector = selectors.get_visible_field
    list_selector = selectors.list_options
    create_service = options.add


class OptionView(DetailView, UpdateView, DeleteView):
    """One option of a field."""

    operation_ids = {"get": "get_field_option", "patch": "update_field_option"}
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_of_field_in_path
    patch_serializer_class = OptionPatch
    serializer_class = OptionOut
    parent_selector = selectors.get_visible_field
    object_selector = selectors.get_option
    update_service = options.update

    @extend_schema(
        operation_id="delete_field_option",
        parameters=[OptionDeleteQuery],
        responses={204: None},
        description="Delete an option. If tasks have it, say what becomes of them: 409 names their number.",
    )
    def delete(self, request: Request, **url: Any) -> HttpResponse:
        return super().delete(request, **url)

    def delete_object(self, field_id: uuid.UUID, option_id: uuid.UUID) -> None:
        params = parse_query(OptionDeleteQuery, self.request.query_params)
        options.delete(
            actor=self.user, field_id=field_id, option_id=option_id, now=self.now, versions=self.versions, **params
        )


class TaskFieldsView(DetailView, UpdateView):
    """Values of a task in the fields of its project; PATCH changes those that are sent."""

    operation_ids = {"get": "get_task_fields", "patch": "update_task_fields"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write"}
    project_from = project_of_task_in_path
    patch_serializer_class = TaskFieldsPatch
    serializer_class = TaskFieldsOut
    object_selector = selectors.get_task_values

    def update_object(self, data: dict[str, Any], ref: str) -> TaskValues:
        return services.update_values(
            actor=self.user, ref=ref, fields=data.get("fields", {}), now=self.now, versions=self.versions
        )
