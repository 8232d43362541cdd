"""A small process that ends the parts when the launcher itself was killed and could not."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from launcher.processes import is_alive, signal_group

STOP_TIMEOUT = 3.0


class Watchdog:
    """Told of each part over a pipe; the end of the pipe without a farewell is the launcher's death."""

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._pipe)
                _run_watchdog(reading)
            finally:
                os._exit(0)
        os.close(reading)

    def add(self, pid: int, stop_signal: int) -> None:
        self._send(f"+{pid} {int(stop_signal)}\n")

    def remove(self, pid: int) -> None:
        self._send(f"-{pid} 0\n")

    def close(self) -> None:
        os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, line.encode())


def _run_watchdog(reading: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    parts: dict[int, int] = {}
    with os.fdopen(reading, encoding="ascii") as lines:
        for line in lines:
            pid, stop_signal = map(int, line[1:].split())
            if line.startswith("+"):
                parts[pid] = stop_signal
            else:
                parts.pop(pid, None)
    _stop_processes(parts)


def _stop_processes(parts: dict[int, int]) -> None:
    for pid, stop_signal in parts.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    deadline = time.monotonic() + STOP_TIMEOUT
    while any(is_alive(pid) for pid in parts) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in parts:
        signal_group(pid, signal.SIGKILL)
