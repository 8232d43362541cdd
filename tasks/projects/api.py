"""The doors to projects: themselves, members, statuses, labels."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import query_params
from core.api.endpoints import all_projects
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body
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

PROJECT_SORTS = {"name": Sort("name"), "created_at": Sort("created_at")}


class ProjectsView(ApiView):
    cacheable = True
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = all_projects

    @extend_schema(operation_id="list_projects", parameters=[ProjectQuery], responses=page_serializer(ProjectOut))
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(ProjectQuery, request.query_params)
        rows = selectors.list_projects(request.user)
        if "search" in wanted:
            rows = rows.filter(name__icontains=wanted["search"])
        if "archived" in wanted:
            rows = rows.filter(archived_at__isnull=not wanted["archived"])
        window = PageRequest.of(wanted, sorts=PROJECT_SORTS, default="name", owner=str(request.user.pk))
        return list_response(request, paginate(rows, window), ProjectOut, wanted.get("fields"))

    @extend_schema(operation_id="create_project", request=ProjectInput, responses={201: ProjectOut})
    def post(self, request: Request) -> Response:
        project = services.create(actor=request.user, **parse_body(ProjectInput, request))
        found = selectors.get_project(request.user, project.pk)
        return object_response(found, ProjectOut, status=201, location=f"/api/v1/projects/{project.pk}/")


class ProjectView(ApiView):
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path

    @extend_schema(operation_id="get_project", parameters=[query_params.FieldsQuerySerializer], responses=ProjectOut)
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(query_params.FieldsQuerySerializer, request.query_params)
        return object_response(selectors.get_project(request.user, ref), ProjectOut, wanted=wanted.get("fields"))

    @extend_schema(operation_id="update_project", request=ProjectPatch, responses=ProjectOut)
    def patch(self, request: Request, ref: str) -> Response:
        changes = parse_body(ProjectPatch, request, partial=True)
        project = services.update(
            actor=request.user, ref=ref, changes=changes, now=timezone.now(), versions=parse_if_match(request._request)
        )
        return object_response(selectors.get_project(request.user, project.pk), ProjectOut)

    @extend_schema(operation_id="delete_project", responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        services.delete(actor=request.user, ref=ref, versions=parse_if_match(request._request))
        return Response(status=204)


class ArchiveView(ApiView):
    """The archived state of a project as a sub-resource: POST archives, DELETE restores."""

    api_key_scope = {"POST": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path

    @extend_schema(operation_id="archive_project", request=None, responses=ProjectOut)
    def post(self, request: Request, ref: str) -> Response:
        project = services.archive(
            actor=request.user, ref=ref, now=timezone.now(), versions=parse_if_match(request._request)
        )
        return object_response(selectors.get_project(request.user, project.pk), ProjectOut)

    @extend_schema(operation_id="restore_project", responses={200: ProjectOut})
    def delete(self, request: Request, ref: str) -> Response:
        project = services.archive(
            actor=request.user, ref=ref, now=timezone.now(), archived=False, versions=parse_if_match(request._request)
        )
        return object_response(selectors.get_project(request.user, project.pk), ProjectOut)


class StatesView(ApiView):
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path

    @extend_schema(
        operation_id="list_project_states", parameters=[PageQuerySerializer], responses=page_serializer(StateOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        project = selectors.get_project(request.user, ref)
        sorts = {"position": Sort("position")}
        window = PageRequest.of(wanted, sorts=sorts, default="position", owner=f"{request.user.pk}:{project.pk}")
        return list_response(request, paginate(selectors.list_states(project), window), StateOut, wanted.get("fields"))

    @extend_schema(operation_id="add_project_state", request=StateInput, responses={201: StateOut})
    def post(self, request: Request, ref: str) -> Response:
        state = states.add(actor=request.user, ref=ref, **parse_body(StateInput, request))
        return object_response(state, StateOut, status=201)


class StateView(ApiView):
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path

    @extend_schema(operation_id="get_project_state", responses=StateOut)
    def get(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_state(selectors.get_project(request.user, ref), state_id), StateOut)

    @extend_schema(operation_id="update_project_state", request=StatePatch, responses=StateOut)
    def patch(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        sent = parse_body(StatePatch, request, partial=True)
        versions = parse_if_match(request._request)
        state = states.update(actor=request.user, ref=ref, state_id=state_id, name=sent.get("name"), versions=versions)
        return object_response(state, StateOut)

    @extend_schema(operation_id="delete_project_state", responses={204: None})
    def delete(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        states.delete(actor=request.user, ref=ref, state_id=state_id, versions=parse_if_match(request._request))
        return Response(status=204)


class LabelsView(ApiView):
    api_key_scope = {"GET": "labels:read", "POST": "labels:write"}
    project_from = {"GET": project_in_query, "POST": project_in_body}

    @extend_schema(operation_id="list_labels", parameters=[LabelQuery], responses=page_serializer(LabelOut))
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(LabelQuery, request.query_params)
        rows = selectors.list_labels(request.user, wanted.get("project", "")).select_related("project")
        window = PageRequest.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return list_response(request, paginate(rows, window), LabelOut, wanted.get("fields"))

    @extend_schema(operation_id="create_label", request=LabelInput, responses={201: LabelOut})
    def post(self, request: Request) -> Response:
        sent = parse_body(LabelInput, request)
        label = labels.create(actor=request.user, ref=sent.pop("project"), **sent)
        found = selectors.get_label(request.user, label.pk)
        return object_response(found, LabelOut, status=201, location=f"/api/v1/labels/{label.pk}/")


class LabelView(ApiView):
    api_key_scope = {"GET": "labels:read", "PATCH": "labels:write", "DELETE": "labels:delete"}
    project_from = project_of_label_in_path

    @extend_schema(operation_id="get_label", responses=LabelOut)
    def get(self, request: Request, label_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_label(request.user, label_id), LabelOut)

    @extend_schema(operation_id="update_label", request=LabelPatch, responses=LabelOut)
    def patch(self, request: Request, label_id: uuid.UUID) -> Response:
        changes = parse_body(LabelPatch, request, partial=True)
        versions = parse_if_match(request._request)
        labels.update(actor=request.user, label_id=label_id, changes=changes, versions=versions)
        return object_response(selectors.get_label(request.user, label_id), LabelOut)

    @extend_schema(operation_id="delete_label", responses={204: None})
    def delete(self, request: Request, label_id: uuid.UUID) -> Response:
        labels.delete(actor=request.user, label_id=label_id, versions=parse_if_match(request._request))
        return Response(status=204)
