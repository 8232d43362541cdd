"""Pagination: keyset cursors, which stay right when rows come and go, and numbered pages with totals.

A cursor holds the sort value and the id of the last row, so ties and nulls have one order (nulls last, then id) and no
row is repeated or skipped when others are inserted. It is signed, and bound to the list, the user and the filters it
was made for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.http import QueryDict
from rest_framework import serializers

from core.api.query_params import FieldsQuerySerializer, IntegerQueryField
from core.errors import Invalid

M = TypeVar("M", bound=Model)
R = TypeVar("R")
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_OFFSET = 10_000
# Parameters that say how a list is shown, not what is in it.
NOT_FILTERS = frozenset({"cursor", "limit", "page", "fields", "include", "ordering"})


class PageQuerySerializer(FieldsQuerySerializer):
    """The query parameters of every list."""

    cursor = serializers.CharField(required=False, max_length=1000, help_text="Opaque; from `next` or `previous`.")
    limit = IntegerQueryField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    page = IntegerQueryField(required=False, min_value=1, max_value=MAX_OFFSET, help_text="Numbered pages with totals.")


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort order: the column, whether it may be null, and the column that breaks ties."""

    column: str
    nullable: bool = False
    key: str = "pk"


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a list. `next` and `previous` are query parameters; `count` and `pages` only in numbered mode."""

    rows: Sequence[R]
    next: dict[str, Any] | None = None
    previous: dict[str, Any] | None = None
    count: int | None = None
    pages: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a list: the sort value and the id of a row, and the direction to go on."""

    value: Any
    key: Any
    backwards: bool


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page of a list: order, size, position, and what the cursor is bound to."""

    sorts: Mapping[str, Sort] = field(hash=False)
    ordering: str
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    page: int | None = None
    owner: str = ""
    filters: str = field(default="")

    @classmethod
    def of(cls, parameters: Mapping[str, Any], *, sorts: Mapping[str, Sort], default: str, owner: str) -> PageRequest:
        """Build it from validated parameters. The filters among them bind the cursor."""
        filters = sorted((name, repr(value)) for name, value in parameters.items() if name not in NOT_FILTERS)
        if parameters.get("cursor") and parameters.get("page"):
            raise Invalid.field("page", "Use either cursor or page.")
        return cls(
            sorts=sorts,
            ordering=parameters.get("ordering") or default,
            limit=parameters["limit"],
            cursor=parameters.get("cursor", ""),
            page=parameters.get("page"),
            owner=owner,
            filters=hashlib.blake2b(repr(filters).encode(), digest_size=6).hexdigest(),
        )

    @property
    def sort(self) -> Sort:
        return self.sorts[self.ordering.lstrip("-")]

    @property
    def descending(self) -> bool:
        return self.ordering.startswith("-")


def paginate(rows: QuerySet[M], page_request: PageRequest) -> Page[M]:
    """Return the requested page: one query by cursor, two by page number."""
    if page_request.page:
        start = page_offset(page_request)
        page_rows = list(apply_ordering(rows, page_request)[start : start + page_request.limit])
        return build_numbered_page(page_rows, page_request, rows.count())
    scope = rows.model._meta.label
    cursor = decode_cursor(page_request, scope)
    following = list(after_cursor(rows, page_request, cursor)[: page_request.limit + 1])
    sort_value = attrgetter(page_request.sort.column.replace("__", "."))
    return build_page(following, page_request, cursor, scope=scope, sort_key=lambda row: (sort_value(row), row.pk))


def page_offset(page_request: PageRequest) -> int:
    """Return the offset of a numbered page. Raises Invalid beyond MAX_OFFSET, where it would cost too much."""
    start = ((page_request.page or 1) - 1) * page_request.limit
    if start + page_request.limit > MAX_OFFSET:
        raise Invalid.field("page", f"Numbered pages end at row {MAX_OFFSET:,}; follow the cursor instead.", "too_deep")
    return start


def build_numbered_page(rows: list[R], page_request: PageRequest, count: int) -> Page[R]:
    page, pages = page_request.page or 1, max(1, -(-count // page_request.limit))
    return Page(
        rows=rows,
        count=count,
        pages=pages,
        page=page,
        next={"page": page + 1} if page < pages else None,
        previous={"page": min(page - 1, pages)} if page > 1 else None,
    )


def after_cursor(
    rows: QuerySet[M], page_request: PageRequest, cursor: Cursor | None, *, nulls: bool = True
) -> QuerySet[M]:
    """Return the rows after the cursor in the requested order; before it, if it goes backwards."""
    backwards = bool(cursor and cursor.backwards)
    ordered = apply_ordering(rows, page_request, backwards=backwards)
    if cursor is None:
        return ordered
    # Nulls are last going on, first going back.
    column, value, nullable = page_request.sort.column, cursor.value, page_request.sort.nullable
    sign = "lt" if page_request.descending != cursor.backwards else "gt"
    beyond_id = Q(**{f"{page_request.sort.key}__{sign}": cursor.key})
    if value is None:
        tie = Q(**{f"{column}__isnull": True}) & beyond_id
        return ordered.filter(tie | Q(**{f"{column}__isnull": False}) if cursor.backwards else tie)
    # The first half is redundant, but it is what an index can start at; an OR alone would scan from the beginning.
    in_range = Q(**{f"{column}__{sign}e": value}) & (Q(**{f"{column}__{sign}": value}) | beyond_id)
    if nullable and nulls and not cursor.backwards:
        in_range |= Q(**{f"{column}__isnull": True})
    return ordered.filter(in_range)


def split_nulls(rows: QuerySet[M], page_request: PageRequest, cursor: Cursor | None) -> list[QuerySet[M]]:
    """Return the rows of `after_cursor`, as two querysets where nulls follow.

    PostgreSQL can start at a value in an index, but not at "this value or null".
    """
    if cursor is None or cursor.value is None or cursor.backwards or not page_request.sort.nullable:
        return [after_cursor(rows, page_request, cursor)]
    nulls = apply_ordering(rows.filter(**{f"{page_request.sort.column}__isnull": True}), page_request)
    return [after_cursor(rows, page_request, cursor, nulls=False), nulls]


def build_page(
    rows: list[R],
    page_request: PageRequest,
    cursor: Cursor | None,
    *,
    scope: str,
    sort_key: Callable[[R], tuple[Any, Any]],
) -> Page[R]:
    """Build a page of up to `limit + 1` rows. `sort_key` returns a row's sort value and its id."""
    backwards = bool(cursor and cursor.backwards)
    has_more = len(rows) > page_request.limit
    rows = rows[: page_request.limit]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (backwards or has_more)
    has_previous = bool(rows) and (has_more if backwards else cursor is not None)
    return Page(
        rows=rows,
        next={"cursor": _encode_cursor(page_request, scope, "n", *sort_key(rows[-1]))} if has_next else None,
        previous={"cursor": _encode_cursor(page_request, scope, "p", *sort_key(rows[0]))} if has_previous else None,
    )


def apply_ordering(rows: QuerySet[M], page_request: PageRequest, *, backwards: bool = False) -> QuerySet[M]:
    column, descending = F(page_request.sort.column), page_request.descending != backwards
    options: dict[str, Any] = {}
    if page_request.sort.nullable:
        options = {"nulls_first": True} if backwards else {"nulls_last": True}
    ordered = column.desc(**options) if descending else column.asc(**options)
    return rows.order_by(ordered, f"-{page_request.sort.key}" if descending else page_request.sort.key)


def _encode_cursor(page_request: PageRequest, scope: str, direction: str, value: Any, key: Any) -> str:
    """Return the signed cursor. It holds no time, so an unchanged list keeps its ETag."""
    if value is not None and not isinstance(value, int | str):
        value = str(value.isoformat() if hasattr(value, "isoformat") else value)
    content = {"v": value, "i": str(key), "d": direction, "b": _cursor_binding(page_request, scope)}
    return _signer().sign_object(content)


def _signer() -> signing.Signer:
    return signing.Signer(salt="cursor", sep="~")  # a separator that needs no escaping in a URL


def _cursor_binding(page_request: PageRequest, scope: str) -> list[str]:
    return [scope, page_request.ordering, page_request.owner, page_request.filters]


def decode_cursor(page_request: PageRequest, scope: str) -> Cursor | None:
    """Return the cursor of the request; None for the first page. Raises Invalid for one of another list."""
    if not page_request.cursor:
        return None
    try:
        content: dict[str, Any] = _signer().unsign_object(page_request.cursor)
    except signing.BadSignature as error:
        raise Invalid.field("cursor", "This cursor is not valid.") from error
    if content["b"] != _cursor_binding(page_request, scope):
        raise Invalid.field("cursor", "This cursor belongs to another list.")
    return Cursor(content["v"], content["i"], backwards=content["d"] == "p")


def list_body(
    page: Page[Any], *, results: Sequence[Any], url: Callable[[str], str], parameters: QueryDict
) -> dict[str, Any]:
    """Return the JSON of a list: `{results, next, previous}`, with `count, pages, page` in numbered mode."""

    def link(change: dict[str, Any] | None) -> str | None:
        if change is None:
            return None
        unchanged = {name: values for name, values in parameters.lists() if name not in {"cursor", "page"}}
        return url(f"?{urlencode({**unchanged, **change}, doseq=True)}")

    body: dict[str, Any] = {"results": results, "next": link(page.next), "previous": link(page.previous)}
    if page.page is not None:
        body |= {"count": page.count, "pages": page.pages, "page": page.page}
    return body
