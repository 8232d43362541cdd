"""Questions that are asked all the time: Django writes their SQL once for each shape, the values are bound each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Expression, QuerySet

SHAPES = 500


class Bind(Expression):
    """A hole in a query, filled by its name each time the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bind) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def resolve_expression(self, *_arguments: Any, **_options: Any) -> Bind:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


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

    def filled(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[part.name] if isinstance(part, Bind) else part for part in self.parameters]

    def run(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]  # core.postgresql has it
            cursor.execute(self.sql, self.filled(values))
            return list(cursor.fetchall())


class Inline(Expression):
    """A statement inside another query."""

    def __init__(self, statement: Statement) -> None:
        super().__init__()
        self.statement = statement

    def resolve_expression(self, *_arguments: Any, **_options: Any) -> Inline:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return self.statement.sql, list(self.statement.parameters)
