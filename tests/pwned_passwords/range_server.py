"""A list of breached passwords that speaks the range protocol on loopback: honest until it is told to misbehave."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHER_SUFFIXES = ["00000000000000000000000000000000AB1:7", "0000000000000000000000000000000AB2F:1"]
MAX_COUNT = 64 * 1024 * 1024


def sha1_hex(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class RangeServer(ThreadingHTTPServer):
    """`seen` holds what was asked, byte for byte; `misbehave`, if set, answers in place of the list.

    `left` is set when somebody hung up on an answer that was not finished, `sent` counts the bytes until then.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), RangeHandler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.counts: dict[str, str] = {}
        self.seen: list[str] = []
        self.misbehave: Callable[[RangeHandler], Any] | None = None
        self.watch: Callable[[], Any] = lambda: None
        self.left, self.sent = threading.Event(), 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/range/"

    def add_password(self, password: str, count: str = "3") -> None:
        self.counts[sha1_hex(password)] = count

    def range(self, prefix: str) -> bytes:
        mine = [f"{digest[5:]}:{count}" for digest, count in self.counts.items() if digest.startswith(prefix)]
        return "\r\n".join([OTHER_SUFFIXES[0], *mine, OTHER_SUFFIXES[1]]).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody to tell: whoever asks hangs up on an answer that hangs, or does not believe the certificate."""


class RangeHandler(BaseHTTPRequestHandler):
    server: RangeServer
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

    def wait_for_disconnect(self, piece: bytes, pause: float) -> None:
        """Send this again and again, but not for ever."""
        try:
            while self.server.sent < MAX_COUNT:
                self.wfile.write(piece)
                self.server.sent += len(piece)
                time.sleep(pause)
        except OSError:
            self.server.left.set()

    def log_message(self, *_: Any) -> None: ...


def send_nothing(handler: RangeHandler) -> None:
    """Take the question and say nothing; reading ends when the other side does."""
    if not handler.rfile.read(1):
        handler.server.left.set()


def drip_headers(handler: RangeHandler) -> None:
    """A byte a moment, so that no single wait is long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.wait_for_disconnect(b"x", 0.02)


def drip_body(handler: RangeHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.wait_for_disconnect(b"\n", 0.02)


def send_huge_body(handler: RangeHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.wait_for_disconnect(f"{OTHER_SUFFIXES[0]}\r\n".encode() * 1000, 0)


def truncate_body(handler: RangeHandler) -> None:
    handler.answer(200, OTHER_SUFFIXES[0].encode(), promised=70_000)
