"""A server that speaks clamd's INSTREAM protocol on loopback, and knows one piece of malware: EICAR's test file."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# In two parts, so that no scanner finds it in this file.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


class ClamdServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    max_length = 1_000_000

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scanned: list[int] = []

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: ClamdServer

    def handle(self) -> None:
        command = self.rfile.read(10)
        if command != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        content = b""
        while size := struct.unpack(">L", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
            if len(content) > self.server.max_length:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.scanned.append(len(content))
        self.wfile.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0")


@contextmanager
def clamd() -> Iterator[ClamdServer]:
    with ClamdServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
