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
from tasks.api.serializers import CommentInput, CommentOut


class CommentsView(ApiView):
    @extend_schema(operation_id="list_comments", parameters=[PageQuery], responses=page_of(CommentOut))
    def get(self, request: Request, ref: str) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        task = selectors.get_task(request.user, ref)
        window = Window.of(wanted, sorts={"id": Sort("id")}, default="id", owner=f"{request.user.pk}:{task.pk}")
        return listing(request, take(selectors.comments(task), window), CommentOut, wanted.get("fields"))

    @extend_schema(operation_id="create_comment", request=CommentInput, responses={201: CommentOut})
    def post(self, request: Request, ref: str) -> Response:
        body = parse(CommentInput, request)["body"]
        comment = services.add_comment(actor=request.user, task_ref=ref, body=body, now=timezone.now())
        return one(comment, CommentOut, status=201)


class CommentView(ApiView):
    @extend_schema(operation_id="get_comment", responses=CommentOut)
    def get(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_comment(selectors.get_task(request.user, ref), comment_id), CommentOut)

    @extend_schema(operation_id="update_comment", request=CommentInput, responses=CommentOut)
    def patch(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        sent = parse(CommentInput, request, partial=True)
        comment = services.edit_comment(
            actor=request.user,
            task_ref=ref,
            comment_id=comment_id,
            body=sent.get("body"),
            now=timezone.now(),
            versions=if_match(request._request),
        )
        return one(comment, CommentOut)

    @extend_schema(operation_id="delete_comment", responses={204: None})
    def delete(self, request: Request, ref: str, comment_id: uuid.UUID) -> Response:
        versions = if_match(request._request)
        services.delete_comment(actor=request.user, task_ref=ref, comment_id=comment_id, versions=versions)
        return Response(status=204)
