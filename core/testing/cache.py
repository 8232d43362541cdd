from __future__ import annotations

import pytest

from core import redis
from core.cache import GATE


@pytest.fixture(autouse=True)
def _nothing_remembered(request: pytest.FixtureRequest) -> None:
    """Begin without remembered answers and spent limits, where a test touches the database at all."""
    if {"db", "transactional_db"} & set(request.fixturenames):
        begin_anew()


def begin_anew() -> None:
    redis.client().flushdb()
    redis.client().set(GATE, "open")
