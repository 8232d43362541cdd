from __future__ import annotations

import pytest

from core import redis
from core.cache import LEASE


@pytest.fixture(autouse=True)
def _reset_redis_before_test(request: pytest.FixtureRequest) -> None:
    """Start without cached responses and used rate limits, if the test has a database."""
    if {"db", "transactional_db"} & set(request.fixturenames):
        reset_redis()


def reset_redis() -> None:
    """Empty Redis and renew the lease without which gateways do not use their caches."""
    redis.circuit.reset()
    redis.client().flushdb()
    # No relay runs in tests that would renew it.
    redis.client().set(LEASE, "open")
