"""Lists in pieces: a keyset cursor that stays right when rows come and go, and numbered pages with totals.

A cursor names the last row seen by its sort value and id, so ties and nulls have one order (nulls last,
then id) and no row is repeated or skipped when others are inserted. It is signed, and bound to the list,
the caller and the filters it was made for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


class PageQuerySerializer(FieldsQuerySerializer):
    """The parameters every list has."""

    cursor = serializers.CharField(required=False, max_length=1000, help_text="Opaque; from `next` or `previous`.")
    limit = IntegerQueryField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    page = IntegerQueryField(required=False, min_value=1, max_value=MAX_OFFSET, help_text="Numbered pages with totals.")


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort order: the column, whether it may be null, and what parts equal values."""

    column: str
    nullable: bool = False
    key: str = "pk"


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """What a list answers: rows, and where to go on. `count` and `pages` only in numbered mode."""

    rows: Sequence[R]
    next: dict[str, Any] | None = None
    previous: dict[str, Any] | None = None
    count: int | None = None
    pages: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: the sort value and the id of a row, and which way to go from it."""

    value: Any
    key: Any
    backwards: bool


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which piece of a list is wanted, in which order, by whom, under which filters."""

    sorts: Mapping[str, Sort] = field(hash=False)
    ordering: str
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    page: int | None = None
    owner: str = ""
    filters: str = field(default="")

    @classmethod
    def of(cls, parameters: Mapping[str, Any], *, sorts: Mapping[str, Sort], default: str, owner: str) -> PageRequest:
        """Build from validated parameters; what is neither paging nor `fields` binds the cursor."""
        own = {"cursor", "limit", "page", "fields", "include", "ordering"}
        rest = sorted((name, repr(value)) for name, value in parameters.items() if name not in own)
        if parameters.get("cursor") and parameters.get("page"):
            raise Invalid.field("page", "Use either cursor or page.")
        return cls(
            sorts=sorts,
            ordering=parameters.get("ordering") or default,
            limit=parameters["limit"],
            cursor=parameters.get("cursor", ""),
            page=parameters.get("page"),
            owner=owner,
            filters=hashlib.blake2b(repr(rest).encode(), digest_size=6).hexdigest(),
        )

    @property
    def sort(self) -> Sort:
        return self.sorts[self.ordering.lstrip("-")]

    @property
    def descending(self) -> bool:
        return self.ordering.startswith("-")


def paginate(rows: QuerySet[M], window: PageRequest) -> Page[M]:
    """Return the wanted piece: one query by cursor, two by page number."""
    return _paginate_by_number(rows, window) if window.page else _paginate_by_cursor(rows, window)


def _paginate_by_number(rows: QuerySet[M], window: PageRequest) -> Page[M]:
    start = page_offset(window)
    found = list(apply_ordering(rows, window)[start : start + window.limit])
    return build_numbered_page(found, window, rows.count())


def page_offset(window: PageRequest) -> int:
    """Return the offset of a numbered page; raises Invalid where counting so far would cost too much."""
    start = ((window.page or 1) - 1) * window.limit
    if start + window.limit > MAX_OFFSET:
        raise Invalid.field("page", f"Numbered pages end at row {MAX_OFFSET:,}; follow the cursor instead.", "too_deep")
    return start


def build_numbered_page(found: list[R], window: PageRequest, count: int) -> Page[R]:
    page, pages = window.page or 1, max(1, -(-count // window.limit))
    return Page(
        rows=found,
        count=count,
        pages=pages,
        page=page,
        next={"page": page + 1} if page < pages else None,
        previous={"page": min(page - 1, pages)} if page > 1 else None,
    )


def _paginate_by_cursor(rows: QuerySet[M], window: PageRequest) -> Page[M]:
    noun = rows.model._meta.label
    mark = decode_cursor(window, noun)
    wanted = after_cursor(rows, window, mark)[: window.limit + 1]
    return build_page(
        list(wanted), window, mark, noun=noun, sort_key=lambda row: (_sort_value(row, window.sort.column), row.pk)
    )


def after_cursor(rows: QuerySet[M], window: PageRequest, mark: Cursor | None, *, nulls: bool = True) -> QuerySet[M]:
    """The rows in the order of the window that come after the mark, in its direction of travel."""
    backwards = bool(mark and mark.backwards)
    wanted = apply_ordering(rows, window, backwards=backwards)
    return wanted.filter(_after_cursor_q(window, mark, nulls=nulls)) if mark else wanted


def split_nulls(rows: QuerySet[M], window: PageRequest, mark: Cursor | None) -> list[QuerySet[M]]:
    """The same rows in two queries where nulls follow: PostgreSQL can begin at a value in an index, not at "or null"."""
    if mark is None or mark.value is None or mark.backwards or not window.sort.nullable:
        return [after_cursor(rows, window, mark)]
    rest = apply_ordering(rows.filter(**{f"{window.sort.column}__isnull": True}), window)
    return [after_cursor(rows, window, mark, nulls=False), rest]


def build_page(
    found: list[R], window: PageRequest, mark: Cursor | None, *, noun: str, sort_key: Callable[[R], tuple[Any, Any]]
) -> Page[R]:
    """Make a piece of up to `limit + 1` rows; `place` gives a row's sort value and its id."""
    backwards = bool(mark and mark.backwards)
    more = len(found) > window.limit
    found = found[: window.limit]
    if backwards:
        found.reverse()
    has_next = bool(found) and (backwards or more)
    has_previous = bool(found) and (more if backwards else mark is not None)
    return Page(
        rows=found,
        next={"cursor": _encode_cursor(window, noun, "n", *sort_key(found[-1]))} if has_next else None,
        previous={"cursor": _encode_cursor(window, noun, "p", *sort_key(found[0]))} if has_previous else None,
    )


def apply_ordering(rows: QuerySet[M], window: PageRequest, *, backwards: bool = False) -> QuerySet[M]:
    column, descending = F(window.sort.column), window.descending != backwards
    options: dict[str, Any] = {}
    if window.sort.nullable:
        options = {"nulls_first": True} if backwards else {"nulls_last": True}
    ordered = column.desc(**options) if descending else column.asc(**options)
    return rows.order_by(ordered, f"-{window.sort.key}" if descending else window.sort.key)


def _after_cursor_q(window: PageRequest, mark: Cursor, *, nulls: bool) -> Q:
    """The rows after the mark in the direction of travel; nulls are last going on, first going back."""
    column, value, nullable = window.sort.column, mark.value, window.sort.nullable
    sign = "lt" if window.descending != mark.backwards else "gt"
    beyond_id = Q(**{f"{window.sort.key}__{sign}": mark.key})
    if value is None:
        tie = Q(**{f"{column}__isnull": True}) & beyond_id
        return tie | Q(**{f"{column}__isnull": False}) if mark.backwards else tie
    in_range = Q(**{f"{column}__{sign}e": value}) & (Q(**{f"{column}__{sign}": value}) | beyond_id)
    return in_range | Q(**{f"{column}__isnull": True}) if nullable and nulls and not mark.backwards else in_range


def _sort_value(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name)
    return row


def _encode_cursor(window: PageRequest, noun: str, direction: str, value: Any, key: Any) -> str:
    """The same place has the same cursor at any time, so that an unchanged list keeps its ETag."""
    plain = value if value is None or isinstance(value, int | str) else _to_text(value)
    mark = {"v": plain, "i": str(key), "d": direction, "b": _cursor_binding(window, noun)}
    return _signer().sign_object(mark)


def _signer() -> signing.Signer:
    """Its texts stand in an address as they are."""
    return signing.Signer(salt="cursor", sep="~")


def _to_text(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _cursor_binding(window: PageRequest, noun: str) -> list[str]:
    return [noun, window.ordering, window.owner, window.filters]


def decode_cursor(window: PageRequest, noun: str) -> Cursor | None:
    """Return the place that the window's cursor names; raises Invalid for a cursor that is not of this very list."""
    if not window.cursor:
        return None
    try:
        mark: dict[str, Any] = _signer().unsign_object(window.cursor)
    except signing.BadSignature as error:
        raise Invalid.field("cursor", "This cursor is not one of ours.") from error
    if mark["b"] != _cursor_binding(window, noun):
        raise Invalid.field("cursor", "This cursor belongs to another list.")
    return Cursor(mark["v"], mark["i"], backwards=mark["d"] == "p")


def list_body(
    piece: Page[Any], *, results: Sequence[Any], url: Callable[[str], str], parameters: QueryDict
) -> dict[str, Any]:
    """The JSON of a list: `{results, next, previous}`, and `count, pages, page` in numbered mode."""

    def link(change: dict[str, Any] | None) -> str | None:
        if change is None:
            return None
        kept = {name: value for name, value in parameters.items() if name not in {"cursor", "page"}}
        return url(f"?{urlencode({**kept, **change})}")

    found: dict[str, Any] = {"results": results, "next": link(piece.next), "previous": link(piece.previous)}
    if piece.page is not None:
        found |= {"count": piece.count, "pages": piece.pages, "page": piece.page}
    return found
