"""Doors that must not tell by the time they take who has an account: they answer on the beat.

The work behind them is as even as it can be made; what is left of a difference is some milliseconds, which thousands of
tries would show. So the answer leaves when the next beat since the request's arrival is due. Waiting for it holds no
thread and no place in line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.request import GatewayRequest

RESPONSE_TIME_STEP = 0.25
TIMING_HEADER = b"server-timing"


def is_padded(call: GatewayRequest) -> bool:
    return call.scope["method"] in call.endpoint.pad_response_time


async def pad_response_time(call: GatewayRequest, answer: Callable[[GatewayRequest], Awaitable[None]]) -> None:
    """Let it be answered, and send the answer, without the header that says how long it took, on the next beat."""
    send, held = call.send, []

    async def hold(message: Any) -> None:
        held.append(message)

    call.send = hold
    await answer(call)
    await asyncio.sleep(RESPONSE_TIME_STEP - (time.perf_counter() - call.started) % RESPONSE_TIME_STEP)
    for message in held:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [pair for pair in message["headers"] if pair[0].lower() != TIMING_HEADER]}
        await send(message)
