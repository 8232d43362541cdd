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

# Longer than the watchdog gives the processes of a killed launcher to stop.
WATCHDOG_TIMEOUT = 8.0


@contextmanager
def single_instance_lock(path: Path, *, note: str) -> Iterator[None]:
    """Hold the lock on a data folder. Raises LaunchError with the holder's process id and note.

    It is a file lock: the kernel releases it however this process ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + WATCHDOG_TIMEOUT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                holder, _, holder_note = os.pread(descriptor, 200, 0).decode(errors="replace").strip().partition(" ")
                # A holder that has not written its id yet is alive; this process's own id stands in for it.
                pid = int(holder) if holder.isdigit() else os.getpid()
                # The watchdog of a killed launcher still holds the lock for the seconds in which it stops the processes.
                if time.monotonic() > deadline or is_alive(pid):
                    raise LaunchError(
                        f"TaskFlow is already running here: process {pid}, {holder_note or 'starting'}. "
                        f"It uses the data in {path.parent}. "
                        f"Stop it first (kill {pid}), or start this one with other data: DATA_DIR=/some/folder."
                    ) from error
            time.sleep(0.1)
        # Only now: until here the file named the previous holder.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {note}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
