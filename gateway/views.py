"""How a door of the API reads its input and writes its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from core.errors import Invalid
from gateway import idempotency, pagination, preconditions
from gateway.deprecation import Deprecation
from gateway.renderers import dumps

OF_ONE_BODY = ("initial_data", "_validated_data", "_errors")
_threads = threading.local()


class ApiView(APIView):
    """A door of the API. A POST with an Idempotency-Key is done once; the rest is DRF's."""

    deprecated: ClassVar[Deprecation | None] = None
    answers_with_a_secret: ClassVar[bool] = False
    # Such a door is asked anew each time: a wrong password has to stay in the log, and no record has a digest of one.
    takes_a_password: ClassVar[bool] = False

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in self.deprecated.headers() if self.deprecated else ():
            response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "POST" or self.takes_a_password or not request.user.is_authenticated:
            return
        if key := idempotency.key_of(request):
            handler: Callable[..., Response] = getattr(self, "post")  # noqa: B009 -- each subclass has its own
            self.post = partial(idempotency.once, key, handler, self.answers_with_a_secret)


def parse(kind: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the validated body; with `partial`, only the fields that were sent (RFC 7396 merge-patch)."""
    if partial and request.stream is None:
        raise ParseError("The body is empty. Send a JSON object with the fields to change.")
    form = _form(kind, partial)
    form.initial_data = request.data
    try:
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)
    finally:
        for name in OF_ONE_BODY:
            form.__dict__.pop(name, None)


def _form(kind: type[Serializer[Any]], partial: bool) -> Serializer[Any]:
    """This thread's serializer of this kind: to make its fields anew would cost more than to validate a body."""
    forms: dict[Any, Serializer[Any]] = _threads.__dict__
    if (kind, partial) not in forms:
        forms[kind, partial] = kind(partial=partial)
    return forms[kind, partial]


def listing(
    request: Request,
    piece: pagination.Slice[Any],
    noun: type[BaseSerializer[Any]],
    wanted: Iterable[str] | None = None,
    **context: Any,
) -> Response:
    """Answer with one piece of a list."""
    shown = [trim(row, wanted) for row in noun(list(piece.rows), many=True, context=context).data]
    if not shown:
        trim(dict.fromkeys(noun(context=context).get_fields()), wanted)
    return Response(
        pagination.body(piece, results=shown, url=request.build_absolute_uri, parameters=request.query_params)
    )


def one(
    thing: Any,
    noun: type[BaseSerializer[Any]],
    *,
    status: int = 200,
    wanted: Iterable[str] | None = None,
    location: str = "",
    **context: Any,
) -> Response:
    """Answer with one versioned thing and its ETag."""
    data = trim(noun(thing, context=context).data, wanted)
    headers = {"ETag": preconditions.tag(thing.version, dumps(data))}
    if location:
        headers["Location"] = location
    return Response(data, status=status, headers=headers)


def listed(
    request: Request,
    piece: pagination.Slice[Any],
    rows: Sequence[dict[str, Any]],
    wanted: Iterable[str] | None,
    *,
    known: Iterable[str],
) -> HttpResponse:
    """Answer with one piece of a list whose rows are ready to be shown."""
    shown = [trim(row, wanted) for row in rows or [dict.fromkeys(known)]]
    body = pagination.body(
        piece,
        results=shown if rows else [],
        url=request.build_absolute_uri,
        parameters=request.query_params,
    )
    return HttpResponse(dumps(body), content_type="application/json")


def shown(
    row: dict[str, Any], *, status: int = 200, wanted: Iterable[str] | None = None, location: str = ""
) -> HttpResponse:
    """Answer with one versioned thing that is ready to be shown, and its ETag."""
    body = dumps(trim(row, wanted))
    headers = {"ETag": preconditions.tag(row["version"], body), **({"Location": location} if location else {})}
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def trim(row: dict[str, Any], wanted: Iterable[str] | None) -> dict[str, Any]:
    """Keep only the wanted fields; an unknown name is a 400."""
    if wanted is None:
        return row
    names: Sequence[str] = list(wanted)
    if unknown := [name for name in names if name not in row]:
        raise Invalid.field("fields", f"Not known: {unknown[0]}. Known: {', '.join(row)}.", "invalid_choice")
    return {name: row[name] for name in names}


def user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]
