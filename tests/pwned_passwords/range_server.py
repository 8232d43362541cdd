"""A Pwned Passwords range server on loopback that can be told to misbehave."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHER_SUFFIXES = ["00000000000000000000000000000000AB1:7", "0000000000000000000000000000000AB2F:1"]
MAX_BYTES = 64 * 1024 * 1024


def sha1_hex(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class RangeServer(ThreadingHTTPServer):
    """Serve ranges of the added passwords.

    `requests` holds each request as text; `misbehave`, if set, responds in place of the server. `disconnected` is set when
    the client hangs up on an unfinished response, `bytes_sent` counts the bytes until then.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), RangeHandler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.counts: dict[str, str] = {}
        self.requests: list[str] = []
        self.misbehave: Callable[[RangeHandler], Any] | None = None
        self.on_request: Callable[[], Any] = lambda: None
        self.disconnected, self.bytes_sent = threading.Event(), 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/range/"

    def add_password(self, password: str, count: str = "3") -> None:
        self.counts[sha1_hex(password)] = count

    def range(self, prefix: str) -> bytes:
        matching = [f"{digest[5:]}:{count}" for digest, count in self.counts.items() if digest.startswith(prefix)]
        return "\r\n".join([OTHER_SUFFIXES[0], *matching, OTHER_SUFFIXES[1]]).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients hang up on endless responses and reject the certificate."""


class RangeHandler(BaseHTTPRequestHandler):
    server: RangeServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append(f"{self.requestline}\r\n{self.headers}")
        self.server.on_request()
        if self.server.misbehave:
            self.close_connection = True
            self.server.misbehave(self)
        else:
            self.respond(200, self.server.range(self.path.removeprefix("/range/")))

    def respond(self, status: int, body: bytes, *, content_length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(content_length or len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_until_disconnect(self, chunk: bytes, pause: float) -> None:
        """Send a chunk again and again, up to MAX_BYTES."""
        try:
            while self.server.bytes_sent < MAX_BYTES:
                self.wfile.write(chunk)
                self.server.bytes_sent += len(chunk)
                time.sleep(pause)
        except OSError:
            self.server.disconnected.set()

    def log_message(self, *_: Any) -> None: ...


def send_nothing(handler: RangeHandler) -> None:
    """Read the request and send nothing until the client hangs up."""
    if not handler.rfile.read(1):
        handler.server.disconnected.set()


def drip_headers(handler: RangeHandler) -> None:
    """Send a byte now and then, so that no single read times out."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.send_until_disconnect(b"x", 0.02)


def drip_body(handler: RangeHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.send_until_disconnect(b"\n", 0.02)


def send_huge_body(handler: RangeHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    handler.send_until_disconnect(f"{OTHER_SUFFIXES[0]}\r\n".encode() * 1000, 0)


def truncate_body(handler: RangeHandler) -> None:
    handler.respond(200, OTHER_SUFFIXES[0].encode(), content_length=70_000)
