"""Count requests in the process, and add them to those in Redis."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import request_statistics
from core.clock import current_time
from gateway.request import GatewayRequest
from gateway.request_body import Message

FLUSH_INTERVAL = 5.0
# Fields that wait while Redis is away; what is beyond is not counted.
MAX_WAITING_FIELDS = 20_000


class RequestCounter:
    """Counts of this process, by minute and field. Used by the event loop only, so it needs no lock."""

    def __init__(self) -> None:
        self.waiting: Counter[tuple[int, str]] = Counter()
        self.flushing: asyncio.Task[None] | None = None

    def watch(self, request: GatewayRequest) -> None:
        """Count the request when its response begins."""
        send, route = request.send, request.route or "unknown"

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.record(route, message["status"], time.perf_counter() - request.started_at)
            await send(message)

        request.send = send_and_count

    def record(self, route: str, status: int, seconds: float) -> None:
        if len(self.waiting) < MAX_WAITING_FIELDS:
            minute = int(current_time().timestamp() // 60)
            self.waiting[minute, f"{route}|{request_statistics.bucket_of(seconds)}"] += 1
            for name in request_statistics.status_fields(route, status):
                self.waiting[minute, name] += 1
        if self.flushing is None or self.flushing.done():
            self.flushing = asyncio.create_task(self.flush_later())

    async def flush_later(self) -> None:
        await asyncio.sleep(FLUSH_INTERVAL)
        await self.flush()

    async def close(self) -> None:
        """Write what waits, when the node stops."""
        if self.flushing is not None:
            self.flushing.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Add the counts to Redis; while it is away they wait, up to MAX_WAITING_FIELDS."""
        counts, self.waiting = self.waiting, Counter()
        if not counts:
            return
        # A connection of its own, so that a long list of counts delays no check of a request.
        client = Redis.from_url(str(settings.CACHES["default"]["LOCATION"]), socket_timeout=1, socket_connect_timeout=1)
        pipeline = client.pipeline(transaction=False)
        for (minute, name), count in counts.items():
            pipeline.hincrby(request_statistics.redis_key(minute), name, count)
        for minute in {minute for minute, _ in counts}:
            pipeline.expire(request_statistics.redis_key(minute), request_statistics.LIFETIME)
        try:
            await pipeline.execute()
        except (RedisError, OSError):
            # Some may have been added before the fault, and are counted twice then: statistics bear it.
            self.waiting.update(counts)
        finally:
            await client.aclose()
