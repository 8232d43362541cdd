from __future__ import annotations

from gateway.local_cache import ENTRY_OVERHEAD, CachedResponse, LruResponseCache


def kept(size, generation="1"):
    return CachedResponse(generation, b'"1"', (), b"x" * (size - ENTRY_OVERHEAD))


def test_it_holds_no_more_bytes_than_it_may_and_lets_the_least_recently_used_go():
    cache = LruResponseCache(10_000)
    for number in range(10):
        cache.put("alice", f"/{number}", kept(1_000))
    cache.get("alice", "/0")

    cache.put("alice", "/10", kept(1_000))

    assert cache.size == 10_000
    assert cache.get("alice", "/0") is not None
    assert cache.get("alice", "/1") is None


def test_a_newer_answer_takes_the_place_of_the_older_one():
    cache = LruResponseCache(10_000)
    cache.put("alice", "/", kept(1_200, "1"))

    cache.put("alice", "/", kept(700, "2"))

    assert cache.size == 700
    assert cache.get("alice", "/").generation == "2"


def test_an_answer_that_would_push_out_many_others_is_not_kept():
    cache = LruResponseCache(8_000)

    cache.put("alice", "/", kept(1_001))

    assert cache.size == 0
    assert cache.get("alice", "/") is None


def test_what_is_kept_for_one_caller_is_not_there_for_another():
    cache = LruResponseCache(10_000)

    cache.put("alice", "/", kept(1_000))

    assert cache.get("bob", "/") is None
