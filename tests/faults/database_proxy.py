"""A proxy in front of PostgreSQL's Unix socket that can freeze."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"


class DatabaseProxy:
    """While frozen it accepts connections, as the kernel does for a frozen process. It passes nothing on."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder, self.server = folder, server
        self.is_running = threading.Event()
        self.is_running.set()
        self.sockets: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / SOCKET_NAME))
        self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self.is_running.clear()

    def thaw(self) -> None:
        self.is_running.set()

    def close(self) -> None:
        self.thaw()
        for open_socket in (self.listener, *self.sockets):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.server / SOCKET_NAME))
                self.sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.is_running.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
