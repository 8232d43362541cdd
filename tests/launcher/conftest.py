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

from launcher.places import Places

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Trial:
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
def launch(checkout: Path) -> Iterator[Callable[..., Trial]]:
    trials: list[Trial] = []

    def start(*, servers: bool = False, **commands: list[str]) -> Trial:
        unset = {"DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "TASKFLOW_VAR"}
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        arguments = [str(checkout), json.dumps(commands), "servers" if servers else "parts"]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.launcher.trial", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        trials.append(Trial(process))
        return trials[-1]

    yield start
    for trial in trials:
        if trial.process.poll() is None:
            trial.end()
        trial.process.stdout.close()
    shutil.rmtree(Places(root=checkout, var=checkout / "var").sockets, ignore_errors=True)


@pytest.fixture
def left_behind(checkout: Path) -> Callable[[], list[str]]:
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
def eventually() -> Callable[[Callable[[], object], float], None]:
    def wait(question: Callable[[], object], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.05)

    return wait
