"""One instance per data folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.console import LaunchError
from launcher.processes import is_alive

WATCHDOG_TIMEOUT = 8.0


@contextmanager
def single_instance_lock(path: Path, *, note: str) -> Iterator[None]:
    """Hold the lock; another holder is named in the refusal. The kernel drops it whatever happens to us."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {note}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + WATCHDOG_TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            pid, note = _read_holder(descriptor)
            # A holder that was killed leaves its guard, which ends the parts within seconds.
            if time.monotonic() > deadline or is_alive(pid):
                raise LaunchError(
                    f"TaskFlow is already running here: process {pid}, {note}. It holds the data in {path.parent}. "
                    f"Stop it first (kill {pid}), or start this one on other data with DATA_DIR=/some/folder."
                ) from error
        time.sleep(0.1)


def _read_holder(descriptor: int) -> tuple[int, str]:
    words = os.pread(descriptor, 200, 0).decode(errors="replace").strip().partition(" ")
    return (int(words[0]) if words[0].isdigit() else os.getpid()), words[2] or "starting"
