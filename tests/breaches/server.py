"""A list of breached passwords that speaks the range protocol on loopback: honest until it is told to misbehave."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHERS = ["00000000000000000000000000000000AB1:7", "0000000000000000000000000000000AB2F:1"]
MOST = 64 * 1024 * 1024


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class Ranges(ThreadingHTTPServer):
    """`seen` holds what was asked, byte for byte; `misbehave`, if set, answers in place of the list.

    `left` is set when somebody hung up on an answer that was not finished, `sent` counts the bytes until then.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.counts: dict[str, str] = {}
        self.seen: list[str] = []
        self.misbehave: Callable[[Handler], Any] | None = None
        self.watch: Callable[[], Any] = lambda: None
        self.left, self.sent = threading.Event(), 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/range/"

    def knows(self, password: str, count: str = "3") -> None:
        self.counts[digest_of(password)] = count

    def range(self, prefix: str) -> bytes:
        mine = [f"{digest[5:]}:{count}" for digest, count in self.counts.items() if digest.startswith(prefix)]
        return "\r\n".join([OTHERS[0], *mine, OTHERS[1]]).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody to tell: whoever asks hangs up on an answer that hangs, or does not believe the certificate."""


class Handler(BaseHTTPRequestHandler):
    server: Ranges
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.requestline}\r\n{self.headers}")
        self.server.watch()
        if self.server.misbehave:
            self.close_connection = True
            self.server.misbehave(self)
        else:
            self.answer(200, self.server.range(self.path.removeprefix("/range/")))

    def answer(self, status: int, body: bytes, *, promised: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(promised or len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def until_they_leave(self, piece: bytes, pause: float) -> None:
        """Send this again and again, but not for ever."""
        try:
            while self.server.sent < MOST:
                self.wfile.write(piece)
                self.server.sent += len(piece)
                time.sleep(pause)
        except OSError:
            self.server.left.set()

    def log_message(self, *_: Any) -> None: ...


def silent(handler: Handler) -> None:
    """Take the question and say nothing; reading ends when the other side does."""
    if not handler.rfile.read(1):
        handler.server.left.set()


def dripping_head(handler: Handler) -> None:
    """A byte a moment, so that no single wait is long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.until_they_leave(b"x", 0.02)


def dripping_body(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.until_they_leave(b"\n", 0.02)


def huge(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.until_they_leave(f"{OTHERS[0]}\r\n".encode() * 1000, 0)


def cut_short(handler: Handler) -> None:
    handler.answer(200, OTHERS[0].encode(), promised=70_000)
