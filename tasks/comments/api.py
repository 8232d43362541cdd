from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import query_params
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body
from tasks.comments import selectors, services
from tasks.comments.serializers import CommentInput, CommentOut
from tasks.items import selectors as items_selectors
from tasks.project_scope import project_of_task_in_path


class CommentsView(ApiView):
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path

    @extend_schema(
        operation_id="list_comments", parameters=[PageQuerySerializer], responses=page_serializer(CommentOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        task = items_selectors.get_task(request.user, ref)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="id", owner=f"{request.user.pk}:{task.pk}")
        return list_response(request, paginate(selectors.list_comments(task), window), CommentOut, wanted.get("fields"))

    @extend_schema(operation_id="create_comment", request=CommentInput, responses={201: CommentOut})
    def post(self, request: Request, ref: str) -> Response:
        body = parse_body(CommentInput, request)["body"]
        comment = services.add(actor=request.user, task_ref=ref, body=body, now=timezone.now())
        return object_response(comment, CommentOut, status=201)


class CommentView(ApiView):
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path

    @extend_schema(operation_id="get_comment", responses=CommentOut)
    def get(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(
            selectors.get_comment(items_selectors.get_task(request.user, ref), comment_id), CommentOut
        )

    @extend_schema(operation_id="update_comment", request=CommentInput, responses=CommentOut)
    def patch(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        sent = parse_body(CommentInput, request, partial=True)
        comment = services.update(
            actor=request.user,
            task_ref=ref,
            comment_id=comment_id,
            body=sent.get("body"),
            now=timezone.now(),
            versions=parse_if_match(request._request),
        )
        return object_response(comment, CommentOut)

    @extend_schema(operation_id="delete_comment", responses={204: None})
    def delete(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        versions = parse_if_match(request._request)
        services.delete(actor=request.user, task_ref=ref, comment_id=comment_id, versions=versions)
        return Response(status=204)
