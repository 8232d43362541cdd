"""A small process that stops the launcher's processes when the launcher itself is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from launcher.processes import is_alive, signal_group

STOP_TIMEOUT = 3.0


class Watchdog:
    """Fork a process that stops the registered processes when its pipe is closed.

    The kernel closes the pipe when the launcher ends, however it ends.
    """

    def __init__(self) -> None:
        read_end, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._pipe)
                _run_watchdog(read_end)
            finally:
                os._exit(0)
        os.close(read_end)

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


def _run_watchdog(read_end: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    devnull = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(devnull, descriptor)
    stop_signals: dict[int, int] = {}
    with os.fdopen(read_end, encoding="ascii") as lines:
        for line in lines:
            pid, stop_signal = map(int, line[1:].split())
            if line.startswith("+"):
                stop_signals[pid] = stop_signal
            else:
                stop_signals.pop(pid, None)
    # The launcher has ended. After a normal stop no process is left here.
    for pid, stop_signal in stop_signals.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    deadline = time.monotonic() + STOP_TIMEOUT
    while any(is_alive(pid) for pid in stop_signals) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in stop_signals:
        signal_group(pid, signal.SIGKILL)
