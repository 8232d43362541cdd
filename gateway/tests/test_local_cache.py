"""The in-process response cache."""

from __future__ import annotations

import os
import tracemalloc

from gateway.local_cache import CachedResponse, LruResponseCache

HEADERS = tuple((f"header-{number}".encode(), b"the same in each response") for number in range(14))


def response_of(size, generation="1"):
    return CachedResponse(generation, b'"1"', (), b"x" * size)


def size_of_one(size=1_000):
    cache = LruResponseCache(100_000)
    cache.put("alice", "/0", response_of(size))
    return cache.size


def test_cache_evicts_the_least_recently_used():
    cache = LruResponseCache(10 * size_of_one())
    for number in range(10):
        cache.put("alice", f"/{number}", response_of(1_000))
    cache.get("alice", "/0")

    cache.put("alice", "/a", response_of(1_000))

    assert cache.size == 10 * size_of_one()
    assert cache.get("alice", "/0") is not None
    assert cache.get("alice", "/1") is None


def test_newer_response_replaces_the_older_one():
    cache = LruResponseCache(100_000)
    cache.put("alice", "/0", response_of(1_200, "1"))

    cache.put("alice", "/0", response_of(700, "2"))

    assert cache.size == size_of_one(700)
    assert cache.get("alice", "/0").generation == "2"


def test_large_response_is_not_cached():
    cache = LruResponseCache(8_000)

    cache.put("alice", "/", response_of(1_001))

    assert cache.size == 0
    assert cache.get("alice", "/") is None


def test_responses_of_callers_are_separate():
    cache = LruResponseCache(100_000)

    cache.put("alice", "/", response_of(1_000))

    assert cache.get("bob", "/") is None


def test_cache_size_is_the_memory_that_it_takes():
    for body in (60, 2_000, 9_000):
        cache = LruResponseCache(100 * 1024 * 1024)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1_000):
            headers = tuple((bytes(name), bytes(value)) for name, value in (*HEADERS, (b"etag", b'"%032x"' % number)))
            response = CachedResponse(f"{number:065}", headers[-1][1], headers, os.urandom(body))
            cache.put(f"{number:036}", f"127.0.0.1 /api/v1/tasks/{number}/? */* gzip ", response)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert 0.9 < cache.size / (after - before) < 1.15, body


def test_evicted_responses_leave_nothing_behind():
    cache = LruResponseCache(200_000)

    for number in range(5_000):
        headers = ((b"x-of-this-one", str(number).encode()), *HEADERS)
        cache.put("alice", f"/{number}", CachedResponse("1", b'"1"', headers, b"x" * 500))

    assert cache.size <= 200_000
    assert len(cache.shared_headers) <= 1_025
    assert len(cache.responses) < 250
