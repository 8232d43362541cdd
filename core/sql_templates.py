"""Questions that are asked all the time: Django writes their SQL once for each shape, the values are bound each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import AutoField, BooleanField, Expression, Field, Func, Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery

M = TypeVar("M", bound=Model)

MAX_TEMPLATES = 500
BULK_INSERT_THRESHOLD = 3


class Param(Expression):
    """A hole in a query, filled by its name each time the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Param) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def resolve_expression(self, *_arguments: Any, **_options: Any) -> Param:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class EqualsAny(Func):
    """The first expression is among the values bound to the second."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class PreparedCursor(psycopg.Cursor[Any]):
    """Sends values apart from the text, so that PostgreSQL plans a text once for a connection.

    Values come back in binary: psycopg reads them in C, where Django's own cursor has a Python call for each instant.
    """

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        prepare = self.connection.prepare_threshold is not None
        return super().execute(query, params, prepare=prepare, binary=True)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters: plain values, and holes."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any, Any]) -> Statement | None:
        """Return what Django makes of a query; None when it knows that nothing can be found."""
        try:
            sql, parameters = rows.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return None
        return cls(sql, tuple(parameters))

    @classmethod
    def always(cls, rows: QuerySet[Any, Any]) -> Statement:
        """The same for a query that may find something."""
        found = cls.of(rows)
        assert found is not None
        return found

    @classmethod
    def update(cls, rows: QuerySet[Any, Any], values: Mapping[str, Any], *, returning: Sequence[str] = ()) -> Statement:
        """Return the UPDATE of these rows; `values` are values, expressions or holes, by the names of fields."""
        query = rows.query.chain(UpdateQuery)
        query.add_update_values(values)  # type: ignore[attr-defined]  # UpdateQuery has it
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return cls(sql + _returning(rows.model, returning), tuple(parameters))

    @classmethod
    def insert(cls, model: type[Model]) -> Statement:
        """Return the INSERT of one row, a hole for each column; it answers with the key where the database makes it."""
        hollow, fields = model(), insert_columns(model)
        for field in fields:
            setattr(hollow, field.attname, Param(field.attname))
        query = InsertQuery(model)
        query.insert_values(fields, [hollow], raw=True)
        ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
        made = [] if model._meta.pk in fields else [model._meta.pk.attname]
        return cls(sql + _returning(model, made), tuple(parameters))

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of the parameters."""
        return [values[part.name] if isinstance(part, Param) else part for part in self.parameters]

    def run(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute with these values for the parameters; returns the rows, none for a statement without a result."""
        connection.ensure_connection()
        # A private method: it is how Django itself wraps a cursor for its execute_wrappers.
        with connection._prepare_cursor(PreparedCursor(connection.connection)) as cursor:  # type: ignore[attr-defined]
            cursor.execute(self.sql, self.bind(values))
            return list(cursor.fetchall()) if cursor.pgresult.nfields else []


class Subquery(Expression):
    """A statement inside another query."""

    def __init__(self, statement: Statement) -> None:
        super().__init__()
        self.statement = statement

    def resolve_expression(self, *_arguments: Any, **_options: Any) -> Subquery:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return self.statement.sql, list(self.statement.parameters)


def _returning(model: type[Model], names: Sequence[str]) -> str:
    wanted = [field.column for field in model._meta.concrete_fields if field.attname in names]
    return " RETURNING " + ", ".join(connection.ops.quote_name(str(name)) for name in wanted) if wanted else ""


@lru_cache(maxsize=500)
def _update_statement(model: type[Model], names: frozenset[str]) -> Statement:
    holes = {name: Param(name) for name in names}
    return Statement.update(model._default_manager.filter(pk=Param("pk")), holes)


def update_columns(row: Model, values: Mapping[str, Any]) -> None:
    """Write these columns of one row, by attribute, and nothing else."""
    model = type(row)
    fields = {name: model._meta.get_field(name) for name in values}
    prepared = {name: fields[name].get_db_prep_save(value, connection) for name, value in values.items()}  # type: ignore[union-attr]
    _update_statement(model, frozenset(values)).run({"pk": row.pk, **prepared})


@cache
def insert_columns(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns that a row is inserted with."""
    return [f for f in model._meta.concrete_fields if not f.generated and not isinstance(f, AutoField)]


@cache
def select_columns(model: type[Model]) -> list[str]:
    """The columns that a row is read with: all but those that PostgreSQL makes from others."""
    return [f.attname for f in model._meta.concrete_fields if not f.generated]


def from_row(model: type[M], row: Sequence[Any]) -> M:
    """Return a row of `names_of` as Django would have loaded it."""
    return model.from_db(connection.alias, select_columns(model), row)


_insert_statement = lru_cache(maxsize=None)(Statement.insert)


def insert_all(model: type[M], rows: Sequence[M]) -> None:
    """Insert new rows: a few by one statement each, which is written once; many by bulk_create."""
    if len(rows) > BULK_INSERT_THRESHOLD:
        model._default_manager.bulk_create(rows, batch_size=500)
        return
    for row in rows:
        values = {f.attname: f.get_db_prep_save(getattr(row, f.attname), connection) for f in insert_columns(model)}
        made = _insert_statement(model).run(values)
        if made:
            row.pk = made[0][0]
        row._state.adding, row._state.db = False, connection.alias
