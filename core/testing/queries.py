from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection


@dataclass
class QueryLog:
    """The statements a block sent to the database."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)


@pytest.fixture
def queries() -> Callable[..., AbstractContextManager[QueryLog]]:
    """`with queries() as small: ...`, later `with queries(equal_to=small): ...` fails where the cost has grown."""

    @contextmanager
    def budget(*, at_most: int | None = None, equal_to: QueryLog | None = None) -> Iterator[QueryLog]:
        spent = QueryLog()

        def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            spent.statements.append(str(sql))
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            yield spent
        listed = "\n".join(spent.statements)
        if at_most is not None:
            assert spent.count <= at_most, listed
        if equal_to is not None:
            assert spent.count == equal_to.count, f"{equal_to.count} before, {spent.count} now:\n{listed}"

    return budget
