"""The in-process response cache."""

from __future__ import annotations

from gateway.local_cache import ENTRY_OVERHEAD, CachedResponse, LruResponseCache


def response_of(size, generation="1"):
    return CachedResponse(generation, b'"1"', (), b"x" * (size - ENTRY_OVERHEAD))


def test_cache_evicts_the_least_recently_used():
    cache = LruResponseCache(10_000)
    for number in range(10):
        cache.put("alice", f"/{number}", response_of(1_000))
    cache.get("alice", "/0")

    cache.put("alice", "/10", response_of(1_000))

    assert cache.size == 10_000
    assert cache.get("alice", "/0") is not None
    assert cache.get("alice", "/1") is None


def test_newer_response_replaces_the_older_one():
    cache = LruResponseCache(10_000)
    cache.put("alice", "/", response_of(1_200, "1"))

    cache.put("alice", "/", response_of(700, "2"))

    assert cache.size == 700
    assert cache.get("alice", "/").generation == "2"


def test_large_response_is_not_cached():
    cache = LruResponseCache(8_000)

    cache.put("alice", "/", response_of(1_001))

    assert cache.size == 0
    assert cache.get("alice", "/") is None


def test_responses_of_callers_are_separate():
    cache = LruResponseCache(10_000)

    cache.put("alice", "/", response_of(1_000))

    assert cache.get("bob", "/") is None
