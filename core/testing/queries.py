from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


@dataclass
class Spent:
    """The statements a block sent to the database."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)


@pytest.fixture
def queries() -> Callable[..., AbstractContextManager[Spent]]:
    """`with queries() as small: ...`, later `with queries(equal_to=small): ...` fails where the cost has grown."""

    @contextmanager
    def budget(*, at_most: int | None = None, equal_to: Spent | None = None) -> Iterator[Spent]:
        spent = Spent()
        with CaptureQueriesContext(connection) as captured:
            yield spent
        spent.statements += [query["sql"] for query in captured.captured_queries]
        listed = "\n".join(spent.statements)
        if at_most is not None:
            assert spent.count <= at_most, listed
        if equal_to is not None:
            assert spent.count == equal_to.count, f"{equal_to.count} before, {spent.count} now:\n{listed}"

    return budget
