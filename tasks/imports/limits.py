"""Limits of time and memory for a job that reads a file."""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext


class LimitExceeded(Exception):
    """The job took more time or memory than it may. `str()` is a sentence for its user."""


@contextlib.contextmanager
def limits(*, seconds: int, megabytes: int) -> Iterator[None]:
    """Raise LimitExceeded when the block takes more time or memory.

    Memory is what the process grows by. In the main thread of a worker process; elsewhere, and where the system has no such
    limits, the block runs without.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    is_late = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal is_late
        is_late = True
        # The one exception on which psycopg cancels a query that runs, and keeps its connection usable.
        raise KeyboardInterrupt

    former_handler = signal.signal(signal.SIGALRM, stop)
    former_limits = resource.getrlimit(resource.RLIMIT_DATA)
    size = _data_bytes()
    signal.alarm(seconds)
    if size:
        max_bytes = size + megabytes * 1024 * 1024
        hard = former_limits[1]
        resource.setrlimit(
            resource.RLIMIT_DATA, (max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard), hard)
        )
    try:
        yield
    except KeyboardInterrupt as error:
        if not is_late:
            raise
        message = gettext("The import took longer than %(seconds)s seconds. Split the file and import the parts.") % {
            "seconds": seconds
        }
        raise LimitExceeded(message) from error
    except MemoryError as error:
        raise LimitExceeded(
            gettext("The import needs too much memory. Split the file and import the parts.")
        ) from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former_handler)
        resource.setrlimit(resource.RLIMIT_DATA, former_limits)


def _data_bytes() -> int:
    """Return the size of the private memory of this process; 0 where the system does not tell."""
    try:
        match = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 0
    return int(match[1]) * 1024 if match else 0
