"""SQL templates: Django compiles a query once for each shape, and the values are bound each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

import psycopg
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import AutoField, BooleanField, Expression, Field, Func, Model, OuterRef, Q, QuerySet, UUIDField
from django.db.models.sql import InsertQuery, UpdateQuery

M = TypeVar("M", bound=Model)

# Combinations of filters and orderings; a limit, because callers choose them.
MAX_TEMPLATES = 500
# Beyond it, one round trip saves more than compiling the statement costs.
BULK_INSERT_THRESHOLD = 3


class Param(Expression):
    """A placeholder in a query, bound by its name each time the query runs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __eq__(self, other: object) -> bool:
        # Django compares and hashes expressions when it combines queries.
        return isinstance(other, Param) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def resolve_expression(self, *_arguments: Any, **_options: Any) -> Param:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class EqualsAny(Func):
    """The first expression is among the values bound to the second."""

    # `= ANY(array)` instead of IN: the text is the same for any number of values, so it stays prepared.
    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def equals_outer_pk(column: str) -> EqualsAny:
    """Compare a column of a subquery with the key of the outer query's row.

    As an array: to an equality PostgreSQL would answer by reading the rows of all outer rows at once.
    """
    key = Func(OuterRef("pk"), template="ARRAY[%(expressions)s]", output_field=ArrayField(UUIDField()))
    return EqualsAny(column, key)


def any_of(column: str, values: Iterable[Any]) -> Q:
    """Match any of these values or expressions; `__in` takes no expression where the field is a foreign key."""
    return Q(*((column, value) for value in values), _connector=Q.OR)


class PreparedCursor(psycopg.Cursor[Any]):
    """A cursor with server-side prepared statements: PostgreSQL plans a text once per connection.

    Values come back in binary: psycopg reads them in C, where Django's own cursor has a Python call for each instant.
    """

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        prepare = self.connection.prepare_threshold is not None
        return super().execute(query, params, prepare=prepare, binary=True)


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled SQL with its parameters: plain values and placeholders."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any, Any]) -> Statement | None:
        """Compile a query; None if Django knows that it cannot have results."""
        try:
            sql, parameters = rows.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return None
        return cls(sql, tuple(parameters))

    @classmethod
    def always(cls, rows: QuerySet[Any, Any]) -> Statement:
        """Compile a query that may have results."""
        statement = cls.of(rows)
        # For queries without `IN ()` and the like, of which Django would know that they are empty.
        assert statement is not None
        return statement

    @classmethod
    def update(cls, rows: QuerySet[Any, Any], values: Mapping[str, Any], *, returning: Sequence[str] = ()) -> Statement:
        """Compile an UPDATE of these rows; `values` are values, expressions or placeholders by field name."""
        # What QuerySet.update() does, up to the point where it would execute.
        query = rows.query.chain(UpdateQuery)
        query.add_update_values(values)  # type: ignore[attr-defined]  # UpdateQuery has it
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return cls(sql + _returning(rows.model, returning), tuple(parameters))

    @classmethod
    def insert(cls, model: type[Model]) -> Statement:
        """Compile an INSERT of one row with a placeholder for each column; it returns a generated key."""
        placeholder, fields = model(), insert_columns(model)
        for field in fields:
            setattr(placeholder, field.attname, Param(field.attname))
        query = InsertQuery(model)
        query.insert_values(fields, [placeholder], raw=True)
        ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
        generated = [] if model._meta.pk in fields else [model._meta.pk.attname]
        return cls(sql + _returning(model, generated), tuple(parameters))

    def run(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute with these values for the parameters; returns the rows, none for a statement without a result."""
        bound = [values[part.name] if isinstance(part, Param) else part for part in self.parameters]
        connection.ensure_connection()
        # A private method: it is how Django itself wraps a cursor for its execute_wrappers.
        with connection._prepare_cursor(PreparedCursor(connection.connection)) as cursor:  # type: ignore[attr-defined]
            cursor.execute(self.sql, bound)
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
    columns = [field.column for field in model._meta.concrete_fields if field.attname in names]
    return " RETURNING " + ", ".join(connection.ops.quote_name(str(name)) for name in columns) if columns else ""


@lru_cache(maxsize=500)
def _update_statement(model: type[Model], names: frozenset[str]) -> Statement:
    return Statement.update(model._default_manager.filter(pk=Param("pk")), {name: Param(name) for name in names})


def update_columns(row: Model, values: Mapping[str, Any]) -> None:
    """Update these columns of one row, by attribute name, and no others."""
    model = type(row)
    fields = {name: model._meta.get_field(name) for name in values}
    prepared = {name: fields[name].get_db_prep_save(value, connection) for name, value in values.items()}  # type: ignore[union-attr]
    _update_statement(model, frozenset(values)).run({"pk": row.pk, **prepared})


@cache
def insert_columns(model: type[Model]) -> list[Field[Any, Any]]:
    """Return the fields that an INSERT sets."""
    return [f for f in model._meta.concrete_fields if not f.generated and not isinstance(f, AutoField)]


@cache
def select_columns(model: type[Model]) -> list[str]:
    """Return the attribute names that a SELECT reads: all but generated columns."""
    return [f.attname for f in model._meta.concrete_fields if not f.generated]


def from_row(model: type[M], row: Sequence[Any]) -> M:
    """Return the model instance of a row of `select_columns`, as Django would load it."""
    return model.from_db(connection.alias, select_columns(model), row)


_insert_statement = lru_cache(maxsize=None)(Statement.insert)


def insert_all(model: type[M], rows: Sequence[M]) -> None:
    """Insert new rows: a few by one compiled statement each, many by bulk_create."""
    if len(rows) > BULK_INSERT_THRESHOLD:
        model._default_manager.bulk_create(rows, batch_size=500)
        return
    for row in rows:
        values = {f.attname: f.get_db_prep_save(getattr(row, f.attname), connection) for f in insert_columns(model)}
        generated = _insert_statement(model).run(values)
        if generated:
            row.pk = generated[0][0]
        # As Django leaves a saved row, so that save() updates it.
        row._state.adding, row._state.db = False, connection.alias
