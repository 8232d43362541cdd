"""A POST with an Idempotency-Key, sent again as the contract allows: when nobody knows what became of it."""

from __future__ import annotations

import asyncio
import os

from drills.http import Connection, Response

TASKS_PATH = "/api/v1/tasks/"


async def create_task(
    connection: Connection, title: str, project: str, *, key: str = "", retries: int = 3, timeout: float = 60
) -> Response:
    """Create one task; a broken connection, a 5xx and a 409 (in flight) are tried again, the same request each time."""
    headers = {"Idempotency-Key": f'"{key or os.urandom(12).hex()}"'}
    body = {"title": title, "project": project}
    answer = await connection.send("POST", TASKS_PATH, body, headers, timeout)
    for attempt in range(retries):
        if answer.status not in (0, 409) and answer.status < 500:
            break
        await asyncio.sleep(float(answer.headers.get("retry-after", 0.2 * 2**attempt)))
        answer = await connection.send("POST", TASKS_PATH, body, headers, timeout)
    return answer
