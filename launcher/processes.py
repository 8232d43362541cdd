"""Start and stop processes so that none is left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from launcher.unix_user import UnixUser

PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    folder: Path | str = "/",
    unix_user: UnixUser | None = None,
    stop_signal: int = signal.SIGTERM,
    nice: int = 0,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; `nice` lowers its priority and that of its children.

    On Linux the process gets `stop_signal` when the launcher dies.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # Safe, because the launcher has one thread. It runs after the change of user, which would reset the setting.
        preexec_fn=_set_parent_death_signal(stop_signal),  # noqa: PLW1509
        **(unix_user.subprocess_args() if unix_user else {}),
    )
    if nice:
        # The session is a process group of its own; children inherit the priority.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PGRP, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + nice)
    return process


def run_group(command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run a process and yield the lines it prints; raises CalledProcessError unless it exits with 0.

    However the loop over the lines ends, the process and its children have ended too.
    """
    process = spawn(command, output=subprocess.PIPE, environment=environment, folder=folder, stop_signal=signal.SIGKILL)
    try:
        for line in process.stdout or ():
            yield line.decode(errors="replace")
        if code := process.wait():
            raise subprocess.CalledProcessError(code, command)
    finally:
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _set_parent_death_signal(signal_number: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    parent = os.getpid()

    def set_signal() -> None:
        # Between fork and exec, so only a system call: a lock of the parent could be held for ever here.
        library.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:  # the launcher died before the call
            os.kill(os.getpid(), signal.SIGKILL)

    return set_signal


def signal_group(pid: int, signal_number: int) -> None:
    """Send a signal to a process group, if it still exists."""
    # A group that has just ended may belong to another user by now.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> str:
    """Return a process's command line, or an empty string when it has ended."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    # macOS has no /proc.
    ps = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout


def terminate_orphan(pid: int, *, command_contains: str, stop_signal: int, timeout: float = 10.0) -> None:
    """Stop a process that a killed launcher left behind.

    `command_contains` guards against another program that has the same process id by now. SIGKILL follows after
    `timeout` seconds.
    """
    if command_contains not in command_line(pid):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    deadline = time.monotonic() + timeout
    while command_contains in command_line(pid):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline += 1
        time.sleep(0.02)
