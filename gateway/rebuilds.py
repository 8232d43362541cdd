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

from gateway.near import Kept

LOCK_MS = 3000
PATIENCE = 1.5
POLL = 0.015
Build = Callable[[], Awaitable[Kept | None]]


def kept_key(caller: str, generation: str, url: str) -> str:
    """Where Redis keeps this answer, for all nodes with the same settings.KEPT_UNDER."""
    digest = hashlib.blake2b(f"{settings.KEPT_UNDER} {caller} {generation} {url}".encode(), digest_size=16)
    return f"taskflow:kept:{digest.hexdigest()}"


class Rebuilds:
    def __init__(self) -> None:
        self.running: dict[str, asyncio.Future[Kept | None]] = {}

    async def get(
        self, redis: Redis, caller: str, url: str, generation: str, *, seconds: int, build: Build
    ) -> Kept | None:
        """Return the answer, built here or elsewhere; None when it was built here and is not to be kept."""
        name = kept_key(caller, generation, url)
        if name in self.running:
            return await asyncio.shield(self.running[name])
        mine: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self.running[name] = mine
        found: Kept | None = None
        try:
            found = await self._shared(redis, name, generation, seconds, build)
            return found
        finally:
            del self.running[name]
            mine.set_result(found)

    async def _shared(self, redis: Redis, key: str, generation: str, seconds: int, build: Build) -> Kept | None:
        try:
            kept = await redis.get(key) or await self._lock_or_wait(redis, key)
            if kept is not None:
                return read(kept, generation)
        except (RedisError, OSError):
            return await build()
        built: Kept | None = None
        try:
            built = await build()
            return built
        finally:
            await self._hand_over(redis, key, built, seconds)

    async def _hand_over(self, redis: Redis, key: str, built: Kept | None, seconds: int) -> None:
        """Keep what was built, if anything, and let the next one build; Redis may be away."""
        with suppress(RedisError, OSError):
            if built is not None:
                await redis.set(key, write(built), ex=seconds)
            await redis.delete(f"{key}:lock")

    async def _lock_or_wait(self, redis: Redis, key: str) -> Any:
        """Return what another node has built; nothing if it is for this one to build."""
        if not await redis.set(f"{key}:lock", 1, nx=True, px=LOCK_MS):
            return await self._wait(redis, key)
        # Since the look before, another may have built it, kept it and let go of the lock.
        if (kept := await redis.get(key)) is not None:
            await redis.delete(f"{key}:lock")
        return kept

    async def _wait(self, redis: Redis, key: str) -> Any:
        for _ in range(int(PATIENCE / POLL)):
            await asyncio.sleep(POLL)
            if (kept := await redis.get(key)) is not None:
                return kept
            if not await redis.exists(f"{key}:lock"):
                return await redis.get(key)  # kept since the look before, if at all
        return None


def write(kept: Kept) -> bytes:
    head = {
        "etag": kept.etag.decode(),
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in kept.headers],
    }
    return json.dumps(head).encode() + b"\n" + kept.body


def read(stored: Any, generation: str) -> Kept:
    first, _, body = stored.partition(b"\n")
    head = json.loads(first)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"])
    return Kept(generation=generation, etag=head["etag"].encode(), headers=headers, body=body)
