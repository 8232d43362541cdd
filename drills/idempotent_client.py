"""A POST with an Idempotency-Key, which is retried when its result is unknown."""

from __future__ import annotations

import asyncio
import os

from drills.http import Connection, Response

TASKS_PATH = "/api/v1/tasks/"


async def create_task(
    connection: Connection, title: str, project: str, *, key: str = "", retries: int = 3, timeout: float = 60
) -> Response:
    """Create one task. The request is repeated after a broken connection, a 5xx or a 409 (in flight)."""
    headers = {"Idempotency-Key": f'"{key or os.urandom(12).hex()}"'}
    body = {"title": title, "project": project}
    response = await connection.send("POST", TASKS_PATH, body, headers, timeout)
    for attempt in range(retries):
        if response.status not in (0, 409) and response.status < 500:
            break
        await asyncio.sleep(float(response.headers.get("retry-after", 0.2 * 2**attempt)))
        response = await connection.send("POST", TASKS_PATH, body, headers, timeout)
    return response
