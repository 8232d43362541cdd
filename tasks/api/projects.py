"""The doors to projects: themselves, members, statuses, labels."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gateway import query
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse
from tasks import selectors, services
from tasks.api.queries import LabelQuery, ProjectQuery
from tasks.api.serializers import (
    LabelInput,
    LabelOut,
    LabelPatch,
    MemberInput,
    MemberOut,
    MemberPatch,
    ProjectInput,
    ProjectOut,
    ProjectPatch,
    StateInput,
    StateOut,
    StatePatch,
)

SORTS = {"name": Sort("name"), "created_at": Sort("created_at")}
BY_ID = {"id": Sort("id")}


class ProjectsView(ApiView):
    @extend_schema(operation_id="list_projects", parameters=[ProjectQuery], responses=page_of(ProjectOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(ProjectQuery, request.query_params)
        rows = selectors.list_projects(request.user)
        if "search" in wanted:
            rows = rows.filter(name__icontains=wanted["search"])
        if "archived" in wanted:
            rows = rows.filter(archived_at__isnull=not wanted["archived"])
        window = Window.of(wanted, sorts=SORTS, default="name", owner=str(request.user.pk))
        return listing(request, take(rows, window), ProjectOut, wanted.get("fields"))

    @extend_schema(operation_id="create_project", request=ProjectInput, responses={201: ProjectOut})
    def post(self, request: Request) -> Response:
        project = services.create_project(actor=request.user, **parse(ProjectInput, request))
        found = selectors.get_project(request.user, project.pk)
        return one(found, ProjectOut, status=201, location=f"/api/v1/projects/{project.pk}/")


class ProjectView(ApiView):
    @extend_schema(operation_id="get_project", parameters=[query.FieldsQuery], responses=ProjectOut)
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(query.FieldsQuery, request.query_params)
        return one(selectors.get_project(request.user, ref), ProjectOut, wanted=wanted.get("fields"))

    @extend_schema(operation_id="update_project", request=ProjectPatch, responses=ProjectOut)
    def patch(self, request: Request, ref: str) -> Response:
        changes = parse(ProjectPatch, request, partial=True)
        project = services.update_project(
            actor=request.user, ref=ref, changes=changes, now=timezone.now(), versions=if_match(request._request)
        )
        return one(selectors.get_project(request.user, project.pk), ProjectOut)

    @extend_schema(operation_id="delete_project", responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        services.delete_project(actor=request.user, ref=ref, versions=if_match(request._request))
        return Response(status=204)


class ArchiveView(ApiView):
    """The archived state of a project as a sub-resource: POST archives, DELETE restores."""

    @extend_schema(operation_id="archive_project", request=None, responses=ProjectOut)
    def post(self, request: Request, ref: str) -> Response:
        project = services.archive_project(
            actor=request.user, ref=ref, now=timezone.now(), versions=if_match(request._request)
        )
        return one(selectors.get_project(request.user, project.pk), ProjectOut)

    @extend_schema(operation_id="restore_project", responses={200: ProjectOut})
    def delete(self, request: Request, ref: str) -> Response:
        project = services.archive_project(
            actor=request.user, ref=ref, now=timezone.now(), archived=False, versions=if_match(request._request)
        )
        return one(selectors.get_project(request.user, project.pk), ProjectOut)


class MembersView(ApiView):
    @extend_schema(operation_id="list_project_members", parameters=[PageQuery], responses=page_of(MemberOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        project = selectors.get_project(request.user, ref)
        window = Window.of(wanted, sorts=BY_ID, default="id", owner=f"{request.user.pk}:{project.pk}")
        return listing(request, take(selectors.members(project), window), MemberOut, wanted.get("fields"))

    @extend_schema(operation_id="add_project_member", request=MemberInput, responses={201: MemberOut})
    def post(self, request: Request, ref: str) -> Response:
        sent = parse(MemberInput, request)
        member = services.add_member(
            actor=request.user, ref=ref, role=sent["role"], user_id=sent.get("user"), email=sent.get("email", "")
        )
        return one(member, MemberOut, status=201)


class MemberView(ApiView):
    @extend_schema(operation_id="get_project_member", responses=MemberOut)
    def get(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_member(selectors.get_project(request.user, ref), user_id), MemberOut)

    @extend_schema(operation_id="update_project_member", request=MemberPatch, responses=MemberOut)
    def patch(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        role = parse(MemberPatch, request, partial=True).get("role")
        versions = if_match(request._request)
        member = services.change_member(actor=request.user, ref=ref, user_id=user_id, role=role, versions=versions)
        return one(member, MemberOut)

    @extend_schema(operation_id="remove_project_member", responses={204: None})
    def delete(self, request: Request, ref: str, user_id: uuid.UUID) -> Response:
        services.remove_member(
            actor=request.user, ref=ref, user_id=user_id, now=timezone.now(), versions=if_match(request._request)
        )
        return Response(status=204)


class StatesView(ApiView):
    @extend_schema(operation_id="list_project_states", parameters=[PageQuery], responses=page_of(StateOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        project = selectors.get_project(request.user, ref)
        sorts = {"position": Sort("position")}
        window = Window.of(wanted, sorts=sorts, default="position", owner=f"{request.user.pk}:{project.pk}")
        return listing(request, take(selectors.states(project), window), StateOut, wanted.get("fields"))

    @extend_schema(operation_id="add_project_state", request=StateInput, responses={201: StateOut})
    def post(self, request: Request, ref: str) -> Response:
        state = services.add_state(actor=request.user, ref=ref, **parse(StateInput, request))
        return one(state, StateOut, status=201)


class StateView(ApiView):
    @extend_schema(operation_id="get_project_state", responses=StateOut)
    def get(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_state(selectors.get_project(request.user, ref), state_id), StateOut)

    @extend_schema(operation_id="update_project_state", request=StatePatch, responses=StateOut)
    def patch(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        sent = parse(StatePatch, request, partial=True)
        versions = if_match(request._request)
        state = services.update_state(
            actor=request.user, ref=ref, state_id=state_id, name=sent.get("name"), versions=versions
        )
        return one(state, StateOut)

    @extend_schema(operation_id="delete_project_state", responses={204: None})
    def delete(self, request: Request, ref: str, state_id: uuid.UUID) -> Response:
        services.delete_state(actor=request.user, ref=ref, state_id=state_id, versions=if_match(request._request))
        return Response(status=204)


class LabelsView(ApiView):
    @extend_schema(operation_id="list_labels", parameters=[LabelQuery], responses=page_of(LabelOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(LabelQuery, request.query_params)
        rows = selectors.labels(request.user, wanted.get("project", "")).select_related("project")
        window = Window.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return listing(request, take(rows, window), LabelOut, wanted.get("fields"))

    @extend_schema(operation_id="create_label", request=LabelInput, responses={201: LabelOut})
    def post(self, request: Request) -> Response:
        sent = parse(LabelInput, request)
        label = services.create_label(actor=request.user, ref=sent.pop("project"), **sent)
        found = selectors.get_label(request.user, label.pk)
        return one(found, LabelOut, status=201, location=f"/api/v1/labels/{label.pk}/")


class LabelView(ApiView):
    @extend_schema(operation_id="get_label", responses=LabelOut)
    def get(self, request: Request, label_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_label(request.user, label_id), LabelOut)

    @extend_schema(operation_id="update_label", request=LabelPatch, responses=LabelOut)
    def patch(self, request: Request, label_id: uuid.UUID) -> Response:
        changes = parse(LabelPatch, request, partial=True)
        versions = if_match(request._request)
        services.update_label(actor=request.user, label_id=label_id, changes=changes, versions=versions)
        return one(selectors.get_label(request.user, label_id), LabelOut)

    @extend_schema(operation_id="delete_label", responses={204: None})
    def delete(self, request: Request, label_id: uuid.UUID) -> Response:
        services.delete_label(actor=request.user, label_id=label_id, versions=if_match(request._request))
        return Response(status=204)
