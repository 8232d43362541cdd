"""A persistent HTTP/1.1 connection, fast enough for thousands of requests a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

BODILESS_STATUSES = (204, 304)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; `status` is 0 when the connection broke before it was complete."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0

    def json(self) -> Any:
        return orjson.loads(self.body)


class Connection:
    """A connection to `(host, port)` or a Unix socket, for one request at a time."""

    def __init__(self, address: tuple[str, int] | Path, token: str = "", *, local: str = "", **headers: str) -> None:
        self.address = address
        self.local = (local, 0) if local else None
        self.headers = {"Host": "127.0.0.1", **headers}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Response:
        """Send a request and return the response.

        The body is sent as JSON. An error of the connection gives status 0.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                status, response_headers, content = await self._exchange(
                    self._request(method, path, body, headers or {})
                )
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            self.close()
            return Response(0, seconds=time.perf_counter() - started)
        return Response(status, response_headers, content, time.perf_counter() - started)

    def _request(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        content = b"" if body is None else orjson.dumps(body)
        lines = {**self.headers, **headers}
        if body is not None:
            lines |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await self._open()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = b"" if status in BODILESS_STATUSES else await _read_body(reader, headers)
        if headers.get("connection") == "close":
            self.close()
        return status, headers, body

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams is None:
            if isinstance(self.address, Path):
                self.streams = await asyncio.open_unix_connection(str(self.address))
            else:
                self.streams = await asyncio.open_connection(*self.address, local_addr=self.local)
        return self.streams

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    chunks = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(chunks)
