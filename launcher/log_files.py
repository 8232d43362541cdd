"""Log files that rotate by size while processes run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

# Bytes after which a log becomes `.log.1`, in place of the one before.
MAX_LOG_BYTES = 10 * 1024 * 1024


class LogFile:
    """The common log. At MAX_LOG_BYTES it becomes `.log.1`; while the disk is full, lines are lost and counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lost = 0
        self._open()

    def write(self, lines: bytes) -> None:
        if self._lost:
            lines = f"{self._lost} writes were lost: the log could not be written.\n".encode() + lines
        try:
            if self._file.tell() > MAX_LOG_BYTES:
                self._path.replace(self._path.with_suffix(".log.1"))
                self._file.close()
                self._open()
            self._file.write(lines)
            self._lost = 0
        except OSError:
            self._lost += 1

    def close(self) -> None:
        self._file.close()

    def _open(self) -> None:
        # Unbuffered: what could not be written must not be tried again at the exit.
        self._file = self._path.open("ab", buffering=0)


def truncate_log(path: Path) -> None:
    """Move the content of a large log, which a running process appends to, into `.log.1`."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > MAX_LOG_BYTES:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
