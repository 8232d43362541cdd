"""TaskFlow's processes under the control of a drill or a test: start, freeze, kill, restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PYTHON = sys.executable
ROOT = Path(__file__).resolve().parents[1]
PROCESS_COMMANDS = {
    "web": [PYTHON, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"],
    "worker": [PYTHON, "-m", "celery", "-A", "config", "worker", "-c", "2", "--without-gossip", "--without-mingle"],
    "scheduler": [PYTHON, "-m", "celery", "-A", "config", "beat"],
    "relay": [PYTHON, "manage.py", "relay"],
}


class ProcessNotReady(Exception):
    """A process was not ready in time. The message holds the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Wait for a condition and return how long it took. Raises ProcessNotReady(what) after `seconds`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise ProcessNotReady(what)
        time.sleep(0.05)
    return time.monotonic() - started


class Processes:
    """Named processes with a log each in `folder`. Leaving the block stops them all.

    Each has its own process group, but they share one session. Linux gives each session the same share of a core
    (sched(7), autogroup): with a session of its own, one of nginx's processes waited for up to 74 ms.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {**os.environ, "PORT": str(self.port), "WORKERS": "1", **environment}
        self.environment.setdefault("PYTHONUNBUFFERED", "1")
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self.running):
            self.thaw(name)
            self.stop(name, signal.SIGTERM)

    def start(self, *names: str) -> None:
        for name in names:
            self.spawn(name, self.command(name), **self.process_environment(name))
        if "web" in names:
            wait_until(self.responds, seconds=60, what=self.log("web"))

    def spawn(self, name: str, command: list[str], **settings: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **settings},
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def command(self, name: str) -> list[str]:
        schedule = ["-s", str(self.folder / "schedule")] if name == "scheduler" else []
        return [*PROCESS_COMMANDS[name], *schedule]

    def process_environment(self, name: str) -> dict[str, str]:
        """Return additional environment variables of one process."""
        return {}

    def responds(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def freeze(self, name: str) -> None:
        """Suspend a process and its children (SIGSTOP); their sockets stay open."""
        self.send_signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.send_signal(name, signal.SIGCONT)

    def send_signal(self, name: str, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, number)

    def stop(self, name: str, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and its children, and wait until they have ended."""
        process = self.running.pop(name)
        try:
            os.killpg(process.pid, signal_number)
            process.wait(10)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def log(self, name: str) -> str:
        """Return the end of a process's log."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else f"{name} has no log"
