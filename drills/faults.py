"""Faults of Redis, for drills that inject them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drills.cluster import Cluster

Fault = Callable[[Cluster], Awaitable[None]]


async def no_fault(_processes: Cluster) -> None:
    return


async def flush_redis(processes: Cluster) -> None:
    processes.redis("FLUSHALL")


async def restart_redis(processes: Cluster) -> None:
    """Kill Redis, which loses all its data, and start it again."""
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.to_thread(processes.start, "redis")


async def freeze_redis(processes: Cluster) -> None:
    processes.freeze("redis")


async def thaw_redis(processes: Cluster) -> None:
    processes.thaw("redis")
