"""A checkout of its own for each test, in a path with a space, using the packages of the running Python."""

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
    """One launcher process and what it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read_until(self, word: str) -> str:
        while line := self.process.stdout.readline():
            self.lines.append(line.rstrip())
            if word in line:
                return line
        raise AssertionError(f"ended without {word!r}: {self.lines}")

    def end(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and return how many seconds the process took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        return time.monotonic() - started


@pytest.fixture
def checkout() -> Iterator[Path]:
    # Not pytest's own folder: as root, PostgreSQL's user must be able to enter.
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
        arguments = [str(checkout), json.dumps(commands), "servers" if servers else "parts"]
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
    """Return the command lines of living processes that name this checkout."""

    def look() -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(checkout) in words:
                found.append(words)
        return found

    return look


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float], None]:
    def wait(question: Callable[[], object], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.05)

    return wait
