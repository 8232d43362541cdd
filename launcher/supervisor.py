"""A process supervisor: starts processes, merges their output, restarts the crashed ones, stops all."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from launcher import console, processes
from launcher.console import LaunchError
from launcher.log_files import LogFile, truncate_log
from launcher.unix_user import UnixUser
from launcher.watchdog import Watchdog

MAX_BACKOFF = 30.0
# The first crashes in a row are restarted at once: a killed relay must be back within two seconds. Further ones back off.
IMMEDIATE_RESTARTS = 2
# A process that ran for so many seconds counts as healthy: its next crash is a first one.
STABLE_AFTER = 10.0
MAX_STARTUP_CRASHES = 5
# Seconds. Both together stay below the five within which Ctrl-C is to end everything.
STOP_TIMEOUT = 2.8
SERVER_STOP_TIMEOUT = 1.6
POLL_INTERVAL = 0.1
# How often the logs of servers are measured, in seconds.
LOG_CHECK_INTERVAL = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """A process to start. `before_start` runs before each start, restarts included."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path = Path("/")
    stop_signal: int = signal.SIGTERM
    unix_user: UnixUser | None = None
    log: Path | None = None
    """A file of its own; without one the output goes to the terminal and the common log."""
    before_start: Callable[[], None] = lambda: None
    is_ready: Callable[[], bool] = lambda: True
    is_server: bool = False
    """Servers (PostgreSQL, Valkey) are stopped last."""
    nice: int = 0


@dataclass(slots=True)
class ManagedProcess:
    """A started process and its restarts; `process` is None while it waits for the next one."""

    spec: ProcessSpec
    prefix: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    restart_at: float = 0.0
    partial_line: bytes = b""


@dataclass(slots=True)
class Supervisor:
    """Use it as a context manager: leaving the block stops all processes."""

    log: Path
    quiet: bool = False
    _running: list[ManagedProcess] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _watchdog: Watchdog = field(default_factory=Watchdog)
    _file: LogFile = field(init=False)
    _logs_checked: float = 0.0

    def __enter__(self) -> Self:
        self._file = LogFile(self.log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A second Ctrl-C must not interrupt the orderly stop.
        handlers = {
            number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        # Servers last: the others finish their requests and jobs with a database.
        self._stop([running for running in self._running if not running.spec.is_server], STOP_TIMEOUT)
        self._stop([running for running in self._running if running.spec.is_server], SERVER_STOP_TIMEOUT)
        self._watchdog.close()
        self._selector.close()
        self._file.close()
        # `make drills` goes on with other servers; after an error the process ends, and its cleanup must not be interrupted.
        if kind is None:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def start(self, *specs: ProcessSpec) -> None:
        for spec in specs:
            self._add(spec)

    def run_to_completion(self, spec: ProcessSpec, *, action: str) -> None:
        """Run a process that ends by itself. Raises LaunchError if it fails; `action` begins the message."""
        running = self._add(spec)
        while _is_running(running):
            self._pump_output(0.02)
        self._running.remove(running)
        code = self._reap(running)
        if code != 0:
            raise LaunchError(
                f"{action} failed ({_exit_reason(code)}). The reason is at the end of the log.", log=self.log
            )

    def wait_for(self, is_ready: Callable[[], bool], *, seconds: float, name: str) -> None:
        """Supervise until `is_ready()`. Raises LaunchError after `seconds` or when a process keeps crashing."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self._tick(0.02)
            for running in self._running:
                if running.crashes >= MAX_STARTUP_CRASHES:
                    raise LaunchError(
                        f"{name} could not be started: the process {running.spec.name} stopped {running.crashes} times. "
                        "The reason is at the end of its log.",
                        log=running.spec.log or self.log,
                    )
            if time.monotonic() > deadline:
                raise LaunchError(f"{name} was not ready within {seconds:.0f} seconds.", log=self.log)

    def wait_for_servers(self, *, seconds: float = 60) -> None:
        for spec in [running.spec for running in self._running if running.spec.is_server]:
            self.wait_for(spec.is_ready, seconds=seconds, name=spec.name)

    def run_forever(self) -> None:
        while True:
            self._tick(POLL_INTERVAL)

    def _add(self, spec: ProcessSpec) -> ManagedProcess:
        # In the list before it is launched: leaving the block must stop it also when launching fails.
        running = ManagedProcess(spec, console.log_prefix(spec.name, len(self._running)))
        self._running.append(running)
        self._launch(running)
        return running

    def _launch(self, running: ManagedProcess) -> None:
        spec = running.spec
        spec.before_start()
        running.started = time.monotonic()
        with spec.log.open("ab") if spec.log is not None else nullcontext(subprocess.PIPE) as output:
            running.process = processes.spawn(
                spec.command,
                output=output,
                environment=spec.environment,
                folder=spec.folder,
                unix_user=spec.unix_user,
                stop_signal=spec.stop_signal,
                nice=spec.nice,
            )
        if running.process.stdout is not None:
            # One thread reads the output of all processes in turn, so no pipe may block it.
            os.set_blocking(running.process.stdout.fileno(), False)
            self._selector.register(running.process.stdout, selectors.EVENT_READ, running)
        self._watchdog.add(running.process.pid, spec.stop_signal)

    def _tick(self, seconds: float) -> None:
        self._pump_output(seconds)
        now = time.monotonic()
        if now > self._logs_checked + LOG_CHECK_INTERVAL:
            self._logs_checked = now
            for log in {running.spec.log for running in self._running if running.spec.log is not None}:
                truncate_log(log)
        for running in self._running:
            if running.process is None:
                if now >= running.restart_at:
                    self._relaunch(running)
            elif running.process.poll() is not None:
                code = self._reap(running)
                running.crashes = 0 if now - running.started > STABLE_AFTER else running.crashes
                self._back_off(running, f"stopped with {_exit_reason(code)}")

    def _relaunch(self, running: ManagedProcess) -> None:
        try:
            self._launch(running)
        except OSError as error:  # such as a full disk, which may have room again soon
            self._back_off(running, f"could not be started: {error.strerror}")

    def _back_off(self, running: ManagedProcess, reason: str) -> None:
        """Set the next start; the pause grows with the crashes in a row."""
        running.crashes += 1
        pause = restart_pause(running.crashes)
        running.restart_at = time.monotonic() + pause
        when = f"in {pause:g} s" if pause else "at once"
        self._write(running, [f"{reason}; starting it again {when}".encode()])

    def _reap(self, running: ManagedProcess) -> int:
        """Kill the rest of a process's group, read its last output, return its exit code."""
        process = running.process
        if process is None:
            return 0
        # gunicorn and Celery have children, which would keep the port and the pipe open.
        processes.signal_group(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            self._read(running, process.stdout)
            self._selector.unregister(process.stdout)
            process.stdout.close()
        self._watchdog.remove(process.pid)
        running.process = None
        return process.wait()

    def _pump_output(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        ended = False
        for key, _ in self._selector.select(seconds):
            ended = not self._read(key.data, key.fileobj) or ended  # type: ignore[arg-type]
        # A pipe at its end stays readable until its process is reaped; without a pause the loop would spin.
        if ended:
            time.sleep(0.01)

    def _read(self, running: ManagedProcess, pipe: IO[bytes]) -> bool:
        """Write the lines that a process has printed; return False at the end of its output."""
        try:
            chunk = os.read(pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        # The last part has no line end yet and waits for the next chunk, so that lines of two processes do not mix.
        *lines, running.partial_line = (running.partial_line + chunk).split(b"\n")
        if not chunk and running.partial_line:
            lines, running.partial_line = [running.partial_line], b""
        self._write(running, lines)
        return bool(chunk)

    def _write(self, running: ManagedProcess, lines: list[bytes]) -> None:
        if not lines:
            return
        # One write for all lines: under load a node logs thousands of lines a second.
        label = f"{running.spec.name:<9} | ".encode()
        self._file.write(b"".join(label + line + b"\n" for line in lines))
        if not self.quiet:
            console.print_line("\n".join(running.prefix + line.decode(errors="replace") for line in lines))

    def _stop(self, group: list[ManagedProcess], seconds: float) -> None:
        """Send each main process its stop signal, so that it stops its children; then kill the groups."""
        self.quiet = True
        for running in group:
            if running.process is not None:
                running.process.send_signal(running.spec.stop_signal)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(_is_running(running) for running in group):
            self._pump_output(0.02)
        for running in group:
            self._reap(running)


def restart_pause(crashes: int) -> float:
    """Return the seconds to wait after so many crashes in a row: 0, 0, 0.5, 1, 2, ... up to 30."""
    return min(MAX_BACKOFF, 0.5 * 2 ** (crashes - IMMEDIATE_RESTARTS - 1)) if crashes > IMMEDIATE_RESTARTS else 0


def _is_running(running: ManagedProcess) -> bool:
    return running.process is not None and running.process.poll() is None


def _exit_reason(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
