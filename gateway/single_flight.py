"""One rebuild of an answer at a time, over all nodes: the others wait for it, then take what it kept in Redis.

Invariant: an answer is kept only when it is a 200, under the caller and the generation that were read before it was
built; whoever cannot wait any longer, or finds Redis away, builds for itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.local_cache import CachedResponse

LOCK_TTL_MS = 3000
WAIT_TIMEOUT = 1.5
POLL_INTERVAL = 0.015
Build = Callable[[], Awaitable[CachedResponse | None]]


def cache_key(caller: str, generation: str, url: str) -> str:
    """Where Redis keeps this answer, for all nodes with the same settings.CACHE_KEY_VARIANT."""
    digest = hashlib.blake2b(f"{settings.CACHE_KEY_VARIANT} {caller} {generation} {url}".encode(), digest_size=16)
    return f"taskflow:response:{digest.hexdigest()}"


class SingleFlight:
    def __init__(self) -> None:
        self.running: dict[str, asyncio.Future[CachedResponse | None]] = {}

    async def get(
        self, redis: Redis, caller: str, url: str, generation: str, *, seconds: int, build: Build
    ) -> CachedResponse | None:
        """Return the answer, built here or elsewhere; None when it was built here and is not to be kept."""
        name = cache_key(caller, generation, url)
        if name in self.running:
            return await asyncio.shield(self.running[name])
        mine: asyncio.Future[CachedResponse | None] = asyncio.get_running_loop().create_future()
        self.running[name] = mine
        found: CachedResponse | None = None
        try:
            found = await self._shared(redis, name, generation, seconds, build)
            return found
        finally:
            del self.running[name]
            mine.set_result(found)

    async def _shared(
        self, redis: Redis, key: str, generation: str, seconds: int, build: Build
    ) -> CachedResponse | None:
        try:
            kept = await redis.get(key) or await self._lock_or_wait(redis, key)
            if kept is not None:
                return deserialize(kept, generation)
        except (RedisError, OSError):
            return await build()
        built: CachedResponse | None = None
        try:
            built = await build()
            return built
        finally:
            await self._publish(redis, key, built, seconds)

    async def _publish(self, redis: Redis, key: str, built: CachedResponse | None, seconds: int) -> None:
        """Keep what was built, if anything, and let the next one build; Redis may be away."""
        with suppress(RedisError, OSError):
            if built is not None:
                await redis.set(key, serialize(built), ex=seconds)
            await redis.delete(f"{key}:lock")

    async def _lock_or_wait(self, redis: Redis, key: str) -> Any:
        """Return what another node has built; nothing if it is for this one to build."""
        if not await redis.set(f"{key}:lock", 1, nx=True, px=LOCK_TTL_MS):
            return await self._wait(redis, key)
        # Since the look before, another may have built it, kept it and let go of the lock.
        if (kept := await redis.get(key)) is not None:
            await redis.delete(f"{key}:lock")
        return kept

    async def _wait(self, redis: Redis, key: str) -> Any:
        for _ in range(int(WAIT_TIMEOUT / POLL_INTERVAL)):
            await asyncio.sleep(POLL_INTERVAL)
            if (kept := await redis.get(key)) is not None:
                return kept
            if not await redis.exists(f"{key}:lock"):
                return await redis.get(key)  # kept since the look before, if at all
        return None


def serialize(kept: CachedResponse) -> bytes:
    head = {
        "etag": kept.etag.decode(),
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in kept.headers],
    }
    return json.dumps(head).encode() + b"\n" + kept.body


def deserialize(stored: Any, generation: str) -> CachedResponse:
    first, _, body = stored.partition(b"\n")
    head = json.loads(first)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"])
    return CachedResponse(generation=generation, etag=head["etag"].encode(), headers=headers, body=body)
