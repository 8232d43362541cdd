from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection


@dataclass
class QueryLog:
    """The SQL statements that a block sent to the database."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)


@pytest.fixture
def queries() -> Callable[..., AbstractContextManager[QueryLog]]:
    """Limit the number of SQL statements of a block.

    `with queries() as small: ...`, and later `with queries(equal_to=small): ...` fails if the number has changed;
    `queries(at_most=5)` sets an upper limit.
    """

    @contextmanager
    def budget(*, at_most: int | None = None, equal_to: QueryLog | None = None) -> Iterator[QueryLog]:
        log = QueryLog()

        def record(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
            log.statements.append(str(sql))
            return execute(sql, *args)

        with connection.execute_wrapper(record):
            yield log
        statements = "\n".join(log.statements)
        if at_most is not None:
            assert log.count <= at_most, statements
        if equal_to is not None:
            assert log.count == equal_to.count, f"{equal_to.count} before, {log.count} now:\n{statements}"

    return budget
