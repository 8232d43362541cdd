"""Stored rows of deleted objects: collected by Django's deletion collector, reinserted by PostgreSQL.

Nothing here knows a feature: what a model's foreign keys say about deletion (`on_delete`) says also how it comes back.
Rows travel as JSON made and read by PostgreSQL itself (`to_jsonb`, `jsonb_populate_record`), so every type of column
round-trips exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.db import connection, models
from django.db.models import Field, ForeignKey, Model, QuerySet, Value
from django.db.models.deletion import Collector
from django.db.models.functions import Cast

from accounts.models import User
from core.errors import Conflict
from tasks.models import Project, TrashEntry

# Of one deletion with all that belongs to it: it is one transaction of one request. More are a worker's job.
MAX_ROWS = 20_000
# Of a worker, which holds the rows in memory: about 7 kB for each.
MAX_ROWS_OF_JOB = 100_000
TOO_MANY_ROWS = "too_many_rows"
_limit: ContextVar[int | None] = ContextVar("limit", default=None)
_report_rows: ContextVar[Callable[[int], None] | None] = ContextVar("report_rows", default=None)


def max_rows() -> int:
    """Return how many rows a deletion may have here: in a request or in a job."""
    return _limit.get() or MAX_ROWS


@contextmanager
def large_deletions(progress: Callable[[int], None]) -> Iterator[None]:
    """Permit MAX_ROWS_OF_JOB rows; `progress` is told how many have been moved."""
    limit, report = _limit.set(MAX_ROWS_OF_JOB), _report_rows.set(progress)
    try:
        yield
    finally:
        _limit.reset(limit)
        _report_rows.reset(report)


def report_rows(count: int) -> None:
    """Tell a job how many rows have been moved."""
    if report := _report_rows.get():
        report(count)


class BoundedCollector(Collector):
    """Django's collector, which loads every row's key, up to MAX_ROWS."""

    def can_fast_delete(self, objs: Any, from_field: Any = None) -> bool:
        # A fast deletion knows a condition, not the rows.
        return False

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> Any:
        return super().related_objects(related_model, related_fields, objs)[: max_rows() + 1]

    def add(self, objs: Any, source: Any = None, nullable: bool = False, reverse_dependency: bool = False) -> Any:
        # Rows that cascade go first, also by a nullable key: composite keys are checked at once (migration 0010).
        nullable = nullable and any(isinstance(obj, source) for obj in objs[:1])
        added = super().add(objs, source, nullable, reverse_dependency)
        require_row_count(sum(map(len, self.data.values())))
        return added


def lock_rows(rows: QuerySet[Any, Any]) -> None:
    """Lock rows that are to be collected. Raises Conflict beyond MAX_ROWS."""
    require_row_count(len(rows.select_for_update().order_by("pk").values_list("pk")[: max_rows() + 1]))


def require_row_count(count: int) -> None:
    """Raise Conflict for more rows than one deletion may have."""
    if count > (limit := max_rows()):
        raise Conflict(
            f"More than {limit:,} rows belong to this, the most that can be deleted at once. "
            "Delete parts of it first, or archive it.",
            code=TOO_MANY_ROWS,
        )


@dataclass(frozen=True, slots=True)
class Deletion:
    """All that would be deleted with an object, read while its locks are held.

    `rows` are JSON texts by model label, `references` are [model label, column, primary key, value].
    """

    collector: BoundedCollector
    rows: dict[str, str]
    references: str
    row_count: int

    def execute(self) -> None:
        """Delete the rows and set the references to null."""
        self.collector.delete()


def collect(obj: Model) -> Deletion:
    """Read what would be deleted with an object. Raises Conflict beyond MAX_ROWS."""
    collector = BoundedCollector(using=connection.alias)
    collector.collect([obj])
    keys = {model: [row.pk for row in rows] for model, rows in collector.data.items() if rows}
    rows: dict[str, str] = {}
    for model, pks in keys.items():
        rows[model._meta.label] = _read_rows(model, pks)
        report_rows(sum(len(keys[known]) for known in keys if known._meta.label in rows))
    references: list[str] = []
    for (field, value), querysets in collector.field_updates.items():
        # A row that is itself deleted keeps the value in its stored row.
        deleted = set(keys.get(field.model, ()))
        pks = [row.pk for queryset in querysets for row in cast("Iterable[Model]", queryset) if row.pk not in deleted]
        require_row_count(len(pks))
        if value is None and pks:
            references += _read_references(field, pks)
    return Deletion(
        collector=collector,
        rows=rows,
        references=f"[{', '.join(references)}]",
        row_count=sum(map(len, keys.values())),
    )


def discard(
    deletion: Deletion, *, kind: str, obj: Model, title: str, project: Project | None, actor: User, now: datetime
) -> TrashEntry:
    """Move a collected object into the trash, in the caller's transaction."""
    rows = ", ".join(f'"{label}": {text}' for label, text in deletion.rows.items())
    object_id = obj.pk  # None on the instance once it is deleted
    deletion.execute()
    # An object that was deleted, restored by hand and deleted again replaces its older entry.
    TrashEntry.objects.filter(kind=kind, object_id=object_id).delete()
    return TrashEntry.objects.create(
        kind=kind,
        object_id=object_id,
        title=title[:560],
        project=project,
        deleted_by=actor,
        deleted_at=now,
        purge_at=now + settings.TRASH_RETENTION,
        row_count=deletion.row_count,
        rows=_json(f"{{{rows}}}"),
        references=_json(deletion.references),
    )


def _json(text: str) -> Any:
    return Cast(Value(text, models.TextField()), models.JSONField())


def stored_columns(model: type[Model]) -> list[Field[Any, Any]]:
    """Return the columns of a model without generated ones."""
    return [field for field in model._meta.concrete_fields if not field.generated]


def quote(name: str | None) -> str:
    """Return the quoted name of a table or column."""
    return str(connection.ops.quote_name(str(name)))


def key_array(model: type[Model]) -> str:
    """Return the placeholder of an array of primary keys."""
    return f"%s::{str(model._meta.pk.db_type(connection)).split()[0]}[]"


def _read_rows(model: type[Model], pks: Collection[Any]) -> str:
    """Return rows as the text of a JSON array, without generated columns."""
    columns = ", ".join(quote(field.column) for field in stored_columns(model))
    table, pk = quote(model._meta.db_table), quote(model._meta.pk.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.{pk}), '[]')::text "  # noqa: S608 -- names of models
            f"FROM (SELECT {columns} FROM {table} WHERE {pk} = ANY({key_array(model)})) AS r",
            [list(pks)],
        )
        return str(cursor.fetchone()[0])


def _read_references(field: Any, pks: Collection[Any]) -> list[str]:
    model = field.model
    table, pk, column = quote(model._meta.db_table), quote(model._meta.pk.column), quote(field.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT jsonb_build_array(%s::text, %s::text, {pk}, {column})::text "  # noqa: S608 -- names of models
            f"FROM {table} WHERE {pk} = ANY({key_array(model)})",
            [model._meta.label, field.column, list(pks)],
        )
        return [row[0] for row in cursor.fetchall()]


def foreign_keys(model: type[Model]) -> Iterator[Any]:
    """Yield the foreign keys that are columns of a model."""
    return (field for field in stored_columns(model) if isinstance(field, ForeignKey))
