"""Fixtures for the launcher: a checkout in a path with a space, and launcher processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from launcher.paths import Paths

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class LauncherProcess:
    """A launcher process and the lines it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read_until(self, text: str) -> str:
        while line := self.process.stdout.readline():
            self.lines.append(line.rstrip())
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}: {self.lines}")

    def end(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and return how many seconds the process took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        return time.monotonic() - started


@pytest.fixture
def checkout() -> Iterator[Path]:
    # Not tmp_path: when the tests run as root, PostgreSQL's user must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="taskflow launcher ", dir="/tmp"))
    folder.chmod(0o755)
    (folder / ".venv").symlink_to(sys.prefix)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def launch(checkout: Path) -> Iterator[Callable[..., LauncherProcess]]:
    launcher_processes: list[LauncherProcess] = []

    def start(*, servers: bool = False, **commands: list[str]) -> LauncherProcess:
        unset = {"DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DATA_DIR"}
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        arguments = [str(checkout), json.dumps(commands), "servers" if servers else "no-servers"]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.launcher.supervisor_process", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        launcher_processes.append(LauncherProcess(process))
        return launcher_processes[-1]

    yield start
    for launcher_process in launcher_processes:
        if launcher_process.process.poll() is None:
            launcher_process.end()
        launcher_process.process.stdout.close()
    shutil.rmtree(Paths(root=checkout, var=checkout / "var").sockets, ignore_errors=True)


@pytest.fixture
def leftover_processes(checkout: Path) -> Callable[[], list[str]]:
    """Return a function that lists the command lines of running processes that name this checkout."""

    def list_processes() -> list[str]:
        command_lines = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command_line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(checkout) in command_line:
                command_lines.append(command_line)
        return command_lines

    return list_processes


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float], None]:
    def wait(condition: Callable[[], object], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            time.sleep(0.05)

    return wait
