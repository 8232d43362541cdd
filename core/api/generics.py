"""Generic views: a view of the API is its declarations plus one selector or service for each method.

    class CommentsView(ListView, CreateView):
        operation_ids = {"get": "list_comments", "post": "create_comment"}
        api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
        project_from = project_of_task_in_path
        serializer_class = CommentOut
        input_serializer_class = CommentInput
        parent_selector = items.get_task
        list_selector = selectors.list_comments
        create_service = services.add

Selectors are called as `selector(user, *url)`. Below a `parent_selector`, which gets the user and the first argument of
the URL, they are called as `selector(parent, *rest_of_url)`. A list's selector also gets the filters of the query
string by keyword. Services are called by keyword, with `now` too where `services_take_now`:

    create_service(actor=, **url, **body)
    update_service(actor=, **url, changes=body, versions=)
    delete_service(actor=, **url, versions=)

A view whose selector or service is called otherwise overrides the hook instead: `get_queryset`, `get_page`,
`get_object`, `create_object`, `update_object`, `delete_object`, or for an action `perform_action`. Hooks get the
arguments of the URL; those that write get the validated body before them. They read `self.user`, `self.now`,
`self.versions` (If-Match) and `self.params` (the validated query string).
`core.api.schema` reads the same declarations, so `extend_schema` is needed only where a view answers irregularly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from core.api import idempotency
from core.api.deprecation import Deprecation
from core.api.endpoints import BodyLimit
from core.api.pagination import NOT_FILTERS, Page, PageQuerySerializer, PageRequest, Sort, list_body, paginate
from core.api.parsers import parse_body
from core.api.query_params import QuerySerializer, parse_query, select_fields
from core.clock import current_time
from core.etags import object_etag, parse_if_match
from core.serialization import dumps

if TYPE_CHECKING:
    from django.contrib.auth.models import _User  # django-stubs' word for AUTH_USER_MODEL

# Read from the class, never from the instance: Python would bind `self` to a function found there.
Selector = Callable[..., Any]
Service = Callable[..., Any]


class ApiView(APIView):
    """Base of all views: DRF's, with the declarations, idempotent POST and what every hook may read.

    Each view must declare `api_key_scope`, and `project_from` where it is open to API keys; without them the
    application does not start. All declarations of an endpoint: core.api.endpoints.Endpoint.
    """

    rate_limit: ClassVar[bool] = True
    max_body_size: ClassVar[BodyLimit] = BodyLimit.JSON
    requires_recent_login: ClassVar[Collection[str]] = ()
    checks_password_itself: ClassVar[bool] = False
    # False where a password is sent: a wrong one must be logged each time, and no record may hold a digest of it.
    idempotent: ClassVar[bool] = True
    encrypt_stored_response: ClassVar[bool] = False
    deprecated: ClassVar[Deprecation | None] = None

    # Method (lower case) -> operationId of the OpenAPI document. A method without one is described by extend_schema.
    operation_ids: ClassVar[Mapping[str, str]] = {}
    # Of the response; None where the hooks return dicts that are ready for JSON.
    serializer_class: ClassVar[type[BaseSerializer[Any]] | None] = None
    # Makes JSON of an object where that is faster than the serializer, which then only describes it in the schema.
    to_json: ClassVar[Callable[[Any], dict[str, Any]] | None] = None
    # Of the query string, and of the bodies of POST (None: no body), PATCH and PUT.
    query_serializer_class: ClassVar[type[QuerySerializer]] = QuerySerializer
    input_serializer_class: ClassVar[type[Serializer[Any]] | None] = None
    patch_serializer_class: ClassVar[type[Serializer[Any]] | None] = None
    put_serializer_class: ClassVar[type[Serializer[Any]] | None] = None
    # Status of a successful POST.
    success_status: ClassVar[int] = 201
    # Whether writes answer with an `Undo-Token`.
    has_undo: ClassVar[bool] = False
    # Whether objects have a `version`, and answers that show one an ETag made of it.
    has_versions: ClassVar[bool] = True

    # Loads the object that the URL names first, where the view is about something below it.
    parent_selector: ClassVar[Selector | None] = None
    # Reads an object anew after a write, by user and id, where the answer shows more than the service returns.
    result_selector: ClassVar[Selector | None] = None
    services_take_now: ClassVar[bool] = False

    # The authenticated caller; AnonymousUser only on a view without permission classes.
    user: _User
    # The instant of this request: all that one request writes has the same time.
    now: datetime
    # The versions that If-Match accepts; None accepts any.
    versions: frozenset[int] | None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Set the attributes of the hooks. Reject a malformed If-Match, body or Idempotency-Key before any runs."""
        if self.deprecated:
            self.headers.update(self.deprecated.headers())  # DRF adds them to the response, also to that of an error
        super().initial(request, *args, **kwargs)
        self.user, self.now = request.user, current_time()
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return
        self.versions = parse_if_match(request._request)
        serializers = {"POST": "input", "PATCH": "patch", "PUT": "put"}
        if getattr(self, f"{serializers.get(request.method)}_serializer_class", None):
            request.data  # noqa: B018 -- parsed here, kept by DRF
        # After authentication, permissions and limits: a stored response is replayed only to those who may send the
        # request.
        is_idempotent = request.method == "POST" and self.idempotent and self.user.is_authenticated
        if is_idempotent and (key := idempotency.parse_key(request)):
            handler: Callable[..., HttpResponse] = getattr(self, "post")  # noqa: B009 -- each subclass has its own
            self.post = partial(idempotency.run_idempotent, key, handler, self.encrypt_stored_response)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The validated query string. Raises ValidationError for an unknown, repeated or malformed parameter."""
        return parse_query(self.query_serializer_class, self.request.query_params)

    def get_selector_arguments(self, url: Mapping[str, Any]) -> list[Any]:
        """Return what a declared selector gets: the user, or the parent, and the other arguments of the URL."""
        arguments = [self.user, *url.values()]
        if parent_selector := type(self).parent_selector:
            return [parent_selector(*arguments[:2]), *arguments[2:]]
        return arguments

    def call_service(self, service: Service, **arguments: Any) -> Any:
        """Call a declared service, and return its result as the response shows it."""
        if self.services_take_now:
            arguments["now"] = self.now
        obj = service(actor=self.user, **arguments)
        result_selector = type(self).result_selector
        return result_selector(self.user, obj.pk) if result_selector and obj is not None else obj

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
        to_json = type(self).to_json or (self.serialize if self.serializer_class else None)
        row = to_json(obj) if to_json else obj
        body = dumps(row if fields is None else select_fields(row, fields))
        response = HttpResponse(body, status=status, content_type="application/json")
        if self.has_versions:
            response["ETag"] = object_etag(obj.version, body)
        if location:
            response["Location"] = location
        return response


class ListView(ApiView):
    """GET of a collection: filtered, ordered and paginated, `{results, next, previous}`."""

    query_serializer_class: ClassVar[type[QuerySerializer]] = PageQuerySerializer
    # Of a row, where it differs from what the collection's other methods answer.
    list_serializer_class: ClassVar[type[BaseSerializer[Any]] | None] = None
    # Figures beside the rows, by name.
    total_fields: ClassVar[Mapping[str, Any]] = {}
    list_selector: ClassVar[Selector]
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
        body |= self.get_totals()
        return HttpResponse(dumps(body), content_type="application/json")

    def get_queryset(self, **url: Any) -> QuerySet[Any]:
        """Return the rows the caller may see, narrowed by the filters of `params`; ordering and paging follow."""
        filters = {name: value for name, value in self.params.items() if name not in NOT_FILTERS}
        rows: QuerySet[Any] = type(self).list_selector(*self.get_selector_arguments(url), **filters)
        return rows

    def get_page(self, page_request: PageRequest, **url: Any) -> Page[Any]:
        """Return one page. Override it where a selector paginates by itself."""
        return paginate(self.get_queryset(**url), page_request)

    def serialize_page(self, page: Page[Any]) -> list[dict[str, Any]]:
        """Return the page's rows as JSON shows them."""
        return list(self._row_serializer(list(page.rows), many=True, context=self.get_serializer_context()).data)

    def get_totals(self) -> dict[str, Any]:
        """Return figures of the list beside its rows; `total_fields` declares them."""
        return {}

    def get_field_names(self) -> Iterable[str]:
        """Return the names that `?fields=` may select."""
        return self._row_serializer(context=self.get_serializer_context()).get_fields()

    @property
    def _row_serializer(self) -> Any:
        return self.list_serializer_class or self.serializer_class


class CreateView(ApiView):
    """POST to a collection: 201 with the new object."""

    # Whether the new object has an address of its own: the collection's path and the object's id.
    has_location: ClassVar[bool] = False
    create_service: ClassVar[Service]

    def post(self, request: Request, **url: Any) -> HttpResponse:
        data = parse_body(self.input_serializer_class, request) if self.input_serializer_class else {}
        obj = self.create_object(data, **url)
        location = f"{request.path}{obj.id}/" if self.has_location else ""
        return self.object_response(obj, status=self.success_status, location=location)

    def create_object(self, data: dict[str, Any], **url: Any) -> Any:
        """Create with the validated body, and return the object as GET would show it."""
        return self.call_service(type(self).create_service, **url, **data)


class ActionView(ApiView):
    """POST of an action on an object (`/tasks/{ref}/move/`): 200 with the object, 204 for None."""

    success_status = 200

    def post(self, request: Request, **url: Any) -> HttpResponse:
        data = parse_body(self.input_serializer_class, request) if self.input_serializer_class else {}
        return self.object_response(self.perform_action(data, **url), status=self.success_status)

    def perform_action(self, data: dict[str, Any], **url: Any) -> Any:
        """Do it with the validated body, and return the object as GET would show it."""
        raise NotImplementedError  # abstract: each view defines it


class DetailView(ApiView):
    """GET of one object with its ETag; `fields` selects where the query serializer has it."""

    object_selector: ClassVar[Selector]

    def get(self, request: Request, **url: Any) -> HttpResponse:
        fields = self.params.get("fields")
        return self.object_response(self.get_object(**url), fields=fields)

    def get_object(self, **url: Any) -> Any:
        """Return the object as far as the caller may see it. Raises NotFound."""
        return type(self).object_selector(*self.get_selector_arguments(url))


class UpdateView(ApiView):
    """PATCH of one object (RFC 7396 merge-patch, If-Match honoured): 200 with the new state."""

    update_service: ClassVar[Service]

    def patch(self, request: Request, **url: Any) -> HttpResponse:
        assert self.patch_serializer_class is not None
        data = parse_body(self.patch_serializer_class, request, partial=True)
        return self.object_response(self.update_object(data, **url))

    def update_object(self, data: dict[str, Any], **url: Any) -> Any:
        """Change the fields that were sent if `versions` allows, and return the object. Raises VersionConflict."""
        return self.call_service(type(self).update_service, **url, changes=data, versions=self.versions)


class DeleteView(ApiView):
    """DELETE of one object (If-Match honoured): 204, or 200 with what `delete_object` returns."""

    delete_service: ClassVar[Service]

    def delete(self, request: Request, **url: Any) -> HttpResponse:
        return self.object_response(self.delete_object(**url))

    def delete_object(self, **url: Any) -> Any:
        """Delete if `versions` allows. Raises VersionConflict."""
        return self.call_service(type(self).delete_service, **url, versions=self.versions)
