"""Response-time padding, against user enumeration by timing.

The work behind a sign-in is as even as it can be made; what is left of a difference is some milliseconds, which
thousands of attempts would show. So the response leaves at the next multiple of `RESPONSE_TIME_STEP` after the request
arrived. Waiting for it holds no thread and no place in the queue. Endpoints declare it as `pad_response_time`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.request import GatewayRequest

# Longer than a password hash takes on a common machine, so an idle node answers at the first step.
RESPONSE_TIME_STEP = 0.25  # seconds
TIMING_HEADER = b"server-timing"


def is_padded(request: GatewayRequest) -> bool:
    return request.scope["method"] in request.endpoint.pad_response_time


async def pad_response_time(request: GatewayRequest, respond: Callable[[GatewayRequest], Awaitable[None]]) -> None:
    """Send the response at the next time step, without the Server-Timing header."""
    # The whole response is held back: its first byte would tell when it was ready.
    send, buffered = request.send, []

    async def buffer(message: Any) -> None:
        buffered.append(message)

    request.send = buffer
    await respond(request)
    # A response that took longer than a step waits for the next one; it does not leave at once.
    await asyncio.sleep(RESPONSE_TIME_STEP - (time.perf_counter() - request.started_at) % RESPONSE_TIME_STEP)
    for message in buffered:
        if message["type"] == "http.response.start":
            # Server-Timing would tell the duration that the padding hides.
            message = {**message, "headers": [pair for pair in message["headers"] if pair[0].lower() != TIMING_HEADER]}
        await send(message)
