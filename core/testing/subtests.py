"""Tables of cases that share one set-up: each case is a subtest whose writes are rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import transaction

from core.testing.cache import reset_redis

DbSubtest = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def db_subtest(db: None, subtests: pytest.Subtests) -> DbSubtest:
    """Run a block as a subtest: `with db_subtest("GET tasks/"): ...`.

    A failure is reported with the name of the case and the next case goes on. Rows that the block wrote are rolled back,
    and Redis is emptied before it, so that cases share a set-up and nothing else. Fixtures that are created on demand
    (`clients[...]`) have to be asked for before the block, or later cases would find their rows gone.
    """

    @contextmanager
    def run(case: str) -> Iterator[None]:
        reset_redis()
        with subtests.test(case), transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)

    return run
