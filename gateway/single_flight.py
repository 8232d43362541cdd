"""Single flight: one rebuild of a cached response at a time, over all nodes.

The other requests wait for it and take the result from Redis.

Invariant: a response is stored only when it is a 200, under the caller and the generation that were read before it was
built. A request that cannot wait any longer, or finds Redis away, builds for itself.
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

# Longer than any sensible build; a node that dies while it builds frees the key by it.
LOCK_TTL_MS = 3000
# Shorter than the lock: a request would rather build for itself than wait for a node that died.
WAIT_TIMEOUT = 1.5
# Polling, because a subscription would need a connection of its own for each waiting request.
POLL_INTERVAL = 0.015
Build = Callable[[], Awaitable[CachedResponse | None]]


def cache_key(caller: str, generation: str, url: str) -> str:
    """Return the Redis key of a response; nodes with the same CACHE_KEY_VARIANT share it."""
    # A digest bounds the length of the key: a URL may have eight kilobytes.
    digest = hashlib.blake2b(f"{settings.CACHE_KEY_VARIANT} {caller} {generation} {url}".encode(), digest_size=16)
    return f"taskflow:response:{digest.hexdigest()}"


class SingleFlight:
    def __init__(self) -> None:
        self.running: dict[str, asyncio.Future[CachedResponse | None]] = {}

    async def get(
        self, redis: Redis, caller: str, url: str, generation: str, *, seconds: int, build: Build
    ) -> CachedResponse | None:
        """Return the response, built here or elsewhere; None if it was built here and is not cacheable."""
        key = cache_key(caller, generation, url)
        if key in self.running:
            # shield: the future belongs to all that wait for it, and a client that disconnects cancels only its own
            # wait.
            return await asyncio.shield(self.running[key])
        future: asyncio.Future[CachedResponse | None] = asyncio.get_running_loop().create_future()
        self.running[key] = future
        response: CachedResponse | None = None
        try:
            response = await self._get_or_build(redis, key, generation, seconds, build)
            return response
        finally:
            # Also after an error: those that wait get None then, and ask Django themselves.
            del self.running[key]
            future.set_result(response)

    async def _get_or_build(
        self, redis: Redis, key: str, generation: str, seconds: int, build: Build
    ) -> CachedResponse | None:
        try:
            stored = await redis.get(key) or await self._lock_or_wait(redis, key)
            if stored is not None:
                return deserialize(stored, generation)
        except (RedisError, OSError):
            return await build()
        response: CachedResponse | None = None
        try:
            response = await build()
            return response
        finally:
            # Also after an error, so that the next request may build. Redis may have gone meanwhile.
            with suppress(RedisError, OSError):
                if response is not None:
                    await redis.set(key, serialize(response), ex=seconds)
                await redis.delete(f"{key}:lock")

    async def _lock_or_wait(self, redis: Redis, key: str) -> Any:
        """Return what another node has stored; None if this node is to build it."""
        if await redis.set(f"{key}:lock", 1, nx=True, px=LOCK_TTL_MS):
            # Since the first look, another node may have built and stored it and released the lock.
            if (stored := await redis.get(key)) is not None:
                await redis.delete(f"{key}:lock")
            return stored
        for _ in range(int(WAIT_TIMEOUT / POLL_INTERVAL)):
            await asyncio.sleep(POLL_INTERVAL)
            if (stored := await redis.get(key)) is not None:
                return stored
            if not await redis.exists(f"{key}:lock"):
                return await redis.get(key)  # it may have been stored since the last look
        return None


def serialize(response: CachedResponse) -> bytes:
    """Return one line of JSON (ETag and headers), then the body."""
    head = {
        "etag": response.etag.decode(),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in response.headers],
    }
    return json.dumps(head).encode() + b"\n" + response.body


def deserialize(stored: Any, generation: str) -> CachedResponse:
    # The body stays bytes: parsing it as JSON would cost more than everything else here.
    first_line, _, body = stored.partition(b"\n")
    head = json.loads(first_line)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"])
    return CachedResponse(generation=generation, etag=head["etag"].encode(), headers=headers, body=body)
