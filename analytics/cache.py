"""Cache of whole results of `overview`, `daily` and the reports; the next recorded event invalidates all of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

from core.cache import get_or_build, invalidate_after_commit

T = TypeVar("T")
# One generation for all users: results depend on the scope and period in their key, not on the reader.
CACHE_SCOPE = "analytics"
# A process that dies between its commit and the invalidation leaves an outdated result for at most this long.
CACHE_TTL = 60


def result_key(name: str, *parts: object) -> str:
    """Return the cache key of a result for these scopes and periods."""
    digest = blake2b(repr(parts).encode(), digest_size=16)
    # A digest, because a scope may name hundreds of projects and a Redis key should stay short.
    return f"{name}:{digest.hexdigest()}"


def get_cached(name: str, build: Callable[[], T]) -> T:
    return get_or_build(CACHE_SCOPE, name, seconds=CACHE_TTL, build=build)


def invalidate() -> None:
    invalidate_after_commit([CACHE_SCOPE])
