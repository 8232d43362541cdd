"""How a door of the API reads its input and writes its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from core.api import idempotency, pagination, preconditions
from core.api.deprecation import Deprecation
from core.api.endpoints import BodyLimit
from core.api.renderers import dumps
from core.errors import Invalid

REQUEST_STATE = ("initial_data", "_validated_data", "_errors")
_thread_local = threading.local()


class ApiView(APIView):
    """Base class of API views: DRF's, with idempotent POST (`Idempotency-Key`) and the declarations of an endpoint.

    Each view must declare `api_key_scope`, and `project_from` where it is open to API keys; without them the
    application does not start. All declarations: core.api.endpoints.Endpoint.
    """

    deprecated: ClassVar[Deprecation | None] = None
    encrypt_stored_response: ClassVar[bool] = False
    rate_limit: ClassVar[bool] = True
    max_body_size: ClassVar[BodyLimit] = BodyLimit.JSON
    # False where a password is sent: a wrong one must be logged each time, and no record may hold a digest of it.
    idempotent: ClassVar[bool] = True

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in self.deprecated.headers() if self.deprecated else ():
            response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "POST" or not self.idempotent or not request.user.is_authenticated:
            return
        if key := idempotency.parse_key(request):
            handler: Callable[..., HttpResponse] = getattr(self, "post")  # noqa: B009 -- each subclass has its own
            self.post = partial(idempotency.run_idempotent, key, handler, self.encrypt_stored_response)


def parse_body(kind: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the validated body; with `partial`, only the fields that were sent (RFC 7396 merge-patch)."""
    if partial and request.stream is None:
        raise ParseError("The body is empty. Send a JSON object with the fields to change.")
    form = _cached_serializer(kind, partial)
    form.initial_data = request.data
    try:
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)
    finally:
        for name in REQUEST_STATE:
            form.__dict__.pop(name, None)


def _cached_serializer(kind: type[Serializer[Any]], partial: bool) -> Serializer[Any]:
    """This thread's serializer of this kind: to make its fields anew would cost more than to validate a body."""
    forms: dict[Any, Serializer[Any]] = _thread_local.__dict__
    if (kind, partial) not in forms:
        forms[kind, partial] = kind(partial=partial)
    return forms[kind, partial]


def list_response(
    request: Request,
    page: pagination.Page[Any],
    serializer_class: type[BaseSerializer[Any]],
    fields: Iterable[str] | None = None,
    **context: Any,
) -> Response:
    """Answer with one page of a list."""
    rows = [select_fields(row, fields) for row in serializer_class(list(page.rows), many=True, context=context).data]
    if not rows:
        select_fields(dict.fromkeys(serializer_class(context=context).get_fields()), fields)
    return Response(
        pagination.list_body(page, results=rows, url=request.build_absolute_uri, parameters=request.query_params)
    )


def object_response(
    obj: Any,
    serializer_class: type[BaseSerializer[Any]],
    *,
    status: int = 200,
    fields: Iterable[str] | None = None,
    location: str = "",
    **context: Any,
) -> Response:
    """Answer with one versioned object and its ETag."""
    data = select_fields(serializer_class(obj, context=context).data, fields)
    headers = {"ETag": preconditions.object_etag(obj.version, dumps(data))}
    if location:
        headers["Location"] = location
    return Response(data, status=status, headers=headers)


def list_response_from_rows(
    request: Request,
    page: pagination.Page[Any],
    rows: Sequence[dict[str, Any]],
    fields: Iterable[str] | None,
    *,
    known: Iterable[str],
) -> HttpResponse:
    """Answer with one page of a list whose rows are ready for JSON; `known` are the names `fields` may select."""
    # An empty page refuses an unknown field too.
    selected = [select_fields(row, fields) for row in rows or [dict.fromkeys(known)]]
    body = pagination.list_body(
        page,
        results=selected if rows else [],
        url=request.build_absolute_uri,
        parameters=request.query_params,
    )
    return HttpResponse(dumps(body), content_type="application/json")


def object_response_from_row(
    row: dict[str, Any],
    *,
    version: int | None,
    status: int = 200,
    fields: Iterable[str] | None = None,
    location: str = "",
) -> HttpResponse:
    """Answer with one object that is ready for JSON; with a version, the ETag names it."""
    body = dumps(select_fields(row, fields))
    headers = {} if version is None else {"ETag": preconditions.object_etag(version, body)}
    if location:
        headers["Location"] = location
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def select_fields(row: dict[str, Any], fields: Iterable[str] | None) -> dict[str, Any]:
    """Keep only the named fields; an unknown name raises Invalid."""
    if fields is None:
        return row
    names: Sequence[str] = list(fields)
    if unknown := [name for name in names if name not in row]:
        raise Invalid.field("fields", f"Not known: {unknown[0]}. Known: {', '.join(row)}.", "invalid_choice")
    return {name: row[name] for name in names}
