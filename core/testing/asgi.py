"""A client for ASGI applications that controls how the body is sent: whole, in chunks, or too much of it."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_loop_lock = threading.Lock()


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop of all calls, since an application keeps its connections.

    It runs in a thread, because a test with a browser has a running loop of its own.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the shared event loop and return its result; raises TimeoutError after a minute."""
    with _loop_lock:  # several threads may be the first to call
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)


@pytest.fixture(scope="session", autouse=True)
def close_served_gateway() -> Iterator[None]:
    """Close the connection to Redis of the served application, which many tests share."""
    yield
    if served := sys.modules.get("config.asgi"):
        run(served.application.checker.close())


@dataclass
class AsgiResponse:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def send_request(
    application: Callable[..., Any],
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    chunks: Iterable[bytes] = (b"",),
    query: bytes = b"",
) -> AsgiResponse:
    """Send one HTTP request; the chunks go out without a Content-Length unless the headers hold one."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"testserver"), *((k.lower().encode(), v.encode()) for k, v in (headers or {}).items())],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    bodies = list(chunks)
    messages = [
        {"type": "http.request", "body": body, "more_body": index < len(bodies) - 1}
        for index, body in enumerate(bodies)
    ]
    response = AsgiResponse()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        # The client stays connected while the application answers.
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            response.body += message.get("body", b"")

    run(application(scope, receive, send))
    return response
