"""Generic views: a view of the API is its declarations plus one selector or service call for each method.

    class CommentsView(ListView, CreateView):
        operation_ids = {"get": "list_comments", "post": "create_comment"}
        api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
        project_from = project_of_task_in_path
        serializer_class = CommentOut
        input_serializer_class = CommentInput

        def get_queryset(self, ref: str) -> QuerySet[Comment]:
            return selectors.list_comments(items.get_task(self.user, ref))

        def create_object(self, data: dict[str, Any], ref: str) -> Comment:
            return services.add(actor=self.user, task_ref=ref, body=data["body"], now=self.now)

    class CommentView(DetailView, UpdateView, DeleteView):
        operation_ids = {"get": "get_comment", "patch": "update_comment", "delete": "delete_comment"}
        serializer_class = CommentOut
        patch_serializer_class = CommentInput

        def get_object(self, ref: str, comment_id: UUID) -> Comment: ...
        def update_object(self, data: dict[str, Any], ref: str, comment_id: UUID) -> Comment: ...
        def delete_object(self, ref: str, comment_id: UUID) -> None: ...

Every hook gets the arguments of the URL; those that write get the validated body before them. The view itself has
`user`, `now` (one instant for the whole request), `versions` (If-Match) and `params` (the validated query string).
`core.api.schema` reads the same declarations, so `extend_schema` is needed only where a view answers irregularly.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from core.api.pagination import Page, PageQuerySerializer, PageRequest, Sort, list_body, paginate
from core.api.preconditions import parse_if_match
from core.api.query_params import QuerySerializer, parse_query
from core.api.views import ApiView, select_fields
from core.serialization import dumps
from core.versions import object_etag

if TYPE_CHECKING:
    from django.contrib.auth.models import _User  # django-stubs' word for AUTH_USER_MODEL


class GenericView(ApiView):
    """Base of the generic views: the declarations, and what every hook may read."""

    # Method (lower case) -> operationId of the OpenAPI document. A method without one is described by extend_schema.
    operation_ids: ClassVar[Mapping[str, str]] = {}
    # Of the response; None where the hooks return dicts that are ready for JSON.
    serializer_class: ClassVar[type[BaseSerializer[Any]] | None] = None
    # Of the query string, of the body of POST (None: no body), and of the body of PATCH.
    query_serializer_class: ClassVar[type[QuerySerializer]] = QuerySerializer
    input_serializer_class: ClassVar[type[Serializer[Any]] | None] = None
    patch_serializer_class: ClassVar[type[Serializer[Any]] | None] = None
    # Status of a successful POST.
    success_status: ClassVar[int] = 201
    # Whether objects have a `version`, and answers that show one an ETag made of it.
    has_versions: ClassVar[bool] = True

    # The authenticated caller; AnonymousUser only on a view without permission classes.
    user: _User
    # The instant of this request: all that one request writes has the same time.
    now: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Set the attributes of the hooks, and reject a malformed If-Match before any runs."""
        super().initial(request, *args, **kwargs)
        self.user, self.now = request.user, timezone.now()
        method = (request.method or "").lower()
        if method in {"patch", "delete"} and hasattr(self, method):
            self.versions  # noqa: B018 -- parsed here, kept by the cached property
        if {"post": self.input_serializer_class, "patch": self.patch_serializer_class}.get(method):
            request.data  # noqa: B018 -- parsed here, kept by DRF

    @cached_property
    def versions(self) -> frozenset[int] | None:
        """The versions that If-Match accepts; None accepts any. Raises Invalid for a malformed header."""
        return parse_if_match(self.request._request)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The validated query string. Raises ValidationError for an unknown, repeated or malformed parameter."""
        return parse_query(self.query_serializer_class, self.request.query_params)

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what the serializer needs beside the object. Called after the objects were fetched."""
        return {}

    def serialize(self, obj: Any) -> dict[str, Any]:
        """Return one object as JSON shows it."""
        assert self.serializer_class is not None
        return dict(self.serializer_class(obj, context=self.get_serializer_context()).data)

    def object_response(
        self, obj: Any, *, status: int = 200, fields: Iterable[str] | None = None, location: str = ""
    ) -> HttpResponse:
        """Answer with one object and its ETag; with 204 where the hook returned None."""
        if obj is None:
            return Response(status=204)
        row = self.serialize(obj) if self.serializer_class else obj
        version = obj.version if self.has_versions else None
        return row_response(row, version=version, status=status, fields=fields, location=location)


def row_response(
    row: dict[str, Any],
    *,
    version: int | None,
    status: int = 200,
    fields: Iterable[str] | None = None,
    location: str = "",
) -> HttpResponse:
    """Answer with an object that is ready for JSON; the ETag is made of its version, None leaves it out."""
    body = dumps(row if fields is None else select_fields(row, fields))
    response = HttpResponse(body, status=status, content_type="application/json")
    if version is not None:
        response["ETag"] = object_etag(version, body)
    if location:
        response["Location"] = location
    return response


class ListView(GenericView):
    """GET of a collection: filtered, ordered and paginated, `{results, next, previous}`."""

    query_serializer_class: ClassVar[type[QuerySerializer]] = PageQuerySerializer
    # Of a row, where it differs from what the collection's other methods answer.
    list_serializer_class: ClassVar[type[BaseSerializer[Any]] | None] = None
    ordering_fields: ClassVar[Mapping[str, Sort]] = {"id": Sort("id")}
    default_ordering: ClassVar[str] = "id"

    def get(self, request: Request, **url: Any) -> HttpResponse:
        # A cursor is bound to the caller and the collection, so that it cannot be used to page through another one.
        owner = ":".join(map(str, [self.user.pk, *url.values()]))
        page_request = PageRequest.of(
            self.params, sorts=self.ordering_fields, default=self.default_ordering, owner=owner
        )
        page = self.get_page(page_request, **url)
        fields = self.params.get("fields")
        rows = [select_fields(row, fields) for row in self.serialize_page(page)]
        if not rows:
            select_fields(dict.fromkeys(self.get_field_names()), fields)  # refuses an unknown field here too
        body = list_body(page, results=rows, url=request.build_absolute_uri, parameters=request.query_params)
        return HttpResponse(dumps(body), content_type="application/json")

    def get_queryset(self, **url: Any) -> QuerySet[Any]:
        """Return the rows the caller may see, narrowed by `params`; ordering and paging follow."""
        raise NotImplementedError  # abstract: each view defines it

    def get_page(self, page_request: PageRequest, **url: Any) -> Page[Any]:
        """Return one page. Override it where a selector paginates by itself."""
        return paginate(self.get_queryset(**url), page_request)

    def serialize_page(self, page: Page[Any]) -> list[dict[str, Any]]:
        """Return the page's rows as JSON shows them."""
        return list(self._row_serializer(list(page.rows), many=True, context=self.get_serializer_context()).data)

    def get_field_names(self) -> Iterable[str]:
        """Return the names that `?fields=` may select."""
        return self._row_serializer(context=self.get_serializer_context()).get_fields()

    @property
    def _row_serializer(self) -> Any:
        return self.list_serializer_class or self.serializer_class


class CreateView(GenericView):
    """POST to a collection: 201 with the new object."""

    # Whether the new object has an address of its own: the collection's path and the object's id.
    has_location: ClassVar[bool] = False

    def post(self, request: Request, **url: Any) -> HttpResponse:
        data = parse_body(self.input_serializer_class, request) if self.input_serializer_class else {}
        obj = self.create_object(data, **url)
        location = f"{request.path}{obj.id}/" if self.has_location else ""
        return self.object_response(obj, status=self.success_status, location=location)

    def create_object(self, data: dict[str, Any], **url: Any) -> Any:
        """Create with the validated body, and return the object as GET would show it."""
        raise NotImplementedError  # abstract: each view defines it


class ActionView(GenericView):
    """POST of an action on an object (`/tasks/{ref}/move/`): 200 with the object, 204 for None."""

    success_status = 200

    def post(self, request: Request, **url: Any) -> HttpResponse:
        data = parse_body(self.input_serializer_class, request) if self.input_serializer_class else {}
        return self.object_response(self.perform_action(data, **url), status=self.success_status)

    def perform_action(self, data: dict[str, Any], **url: Any) -> Any:
        """Do it with the validated body, and return the object as GET would show it."""
        raise NotImplementedError  # abstract: each view defines it


class DetailView(GenericView):
    """GET of one object with its ETag; `fields` selects where the query serializer has it."""

    def get(self, request: Request, **url: Any) -> HttpResponse:
        fields = self.params.get("fields")
        return self.object_response(self.get_object(**url), fields=fields)

    def get_object(self, **url: Any) -> Any:
        """Return the object as far as the caller may see it. Raises NotFound."""
        raise NotImplementedError  # abstract: each view defines it


class UpdateView(GenericView):
    """PATCH of one object (RFC 7396 merge-patch, If-Match honoured): 200 with the new state."""

    def patch(self, request: Request, **url: Any) -> HttpResponse:
        assert self.patch_serializer_class is not None
        data = parse_body(self.patch_serializer_class, request, partial=True)
        return self.object_response(self.update_object(data, **url))

    def update_object(self, data: dict[str, Any], **url: Any) -> Any:
        """Change the fields that were sent if `versions` allows, and return the object. Raises VersionConflict."""
        raise NotImplementedError  # abstract: each view defines it


class DeleteView(GenericView):
    """DELETE of one object (If-Match honoured): 204, or 200 with what `delete_object` returns."""

    def delete(self, request: Request, **url: Any) -> HttpResponse:
        return self.object_response(self.delete_object(**url))

    def delete_object(self, **url: Any) -> Any:
        """Delete if `versions` allows. Raises VersionConflict."""
        raise NotImplementedError  # abstract: each view defines it


# Kept by a serializer between its validations.
SERIALIZER_STATE = ("initial_data", "_validated_data", "_errors")
_thread_local = threading.local()


def parse_body(serializer_class: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the validated body; with `partial`, only the fields that were sent (RFC 7396 merge-patch).

    Raises ValidationError for a body that the serializer refuses, ParseError for an empty patch.
    """
    if partial and request.stream is None:
        raise ParseError("The body is empty. Send a JSON object with the fields to change.")
    # One instance for each thread: building its fields anew would cost more than to validate a body.
    serializers: dict[Any, Serializer[Any]] = _thread_local.__dict__
    if (serializer_class, partial) not in serializers:
        serializers[serializer_class, partial] = serializer_class(partial=partial)
    serializer = serializers[serializer_class, partial]
    serializer.initial_data = request.data
    try:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
    finally:
        for name in SERIALIZER_STATE:
            serializer.__dict__.pop(name, None)
