"""Starts the parts, joins their words, restarts the fallen, and ends them all."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from launcher import console, processes
from launcher.console import LaunchError
from launcher.unix_user import UnixUser
from launcher.watchdog import Watchdog

MAX_BACKOFF = 30.0
STABLE_AFTER = 60.0
MAX_STARTUP_CRASHES = 3
STOP_TIMEOUT = 2.8
SERVER_STOP_TIMEOUT = 1.6
POLL_INTERVAL = 0.1


def _noop() -> None:
    """A part that needs no preparation."""


def _always_ready() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path = Path("/")
    stop_signal: int = signal.SIGTERM
    unix_user: UnixUser | None = None
    log: Path | None = None
    """A file of its own; without one its lines go to the terminal and the common log."""
    before_start: Callable[[], None] = _noop
    is_ready: Callable[[], bool] = _always_ready
    is_server: bool = False
    """Servers start first and stop last."""


@dataclass(slots=True)
class ManagedProcess:
    spec: ProcessSpec
    prefix: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    restart_at: float = 0.0
    partial_line: bytes = b""


@dataclass(slots=True)
class Supervisor:
    log: Path
    quiet: bool = False
    _running: list[ManagedProcess] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _watchdog: Watchdog = field(default_factory=Watchdog)
    _file: IO[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self._file = self.log.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._stop([running for running in self._running if not running.spec.is_server], STOP_TIMEOUT)
        self._stop([running for running in self._running if running.spec.is_server], SERVER_STOP_TIMEOUT)
        self._watchdog.close()
        self._selector.close()
        self._file.close()

    def start(self, *specs: ProcessSpec) -> None:
        for spec in specs:
            running = ManagedProcess(spec, console.log_prefix(spec.name, len(self._running)))
            self._running.append(running)
            self._launch(running)

    def run_to_completion(self, spec: ProcessSpec, *, what: str) -> None:
        """Run a part that comes to an end by itself."""
        running = ManagedProcess(spec, console.log_prefix(spec.name, len(self._running)))
        self._running.append(running)
        self._launch(running)
        while _is_running(running):
            self._pump_output(0.02)
        self._running.remove(running)
        code = self._reap(running)
        if code != 0:
            raise LaunchError(f"{what} did not succeed ({_exit_reason(code)}). Its last lines say why.", log=self.log)

    def wait_for(self, is_ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Return when `is_ready`; a part that keeps falling, or too long a wait, is an error that names the log."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self._tick(0.02)
            for running in self._running:
                if running.crashes >= MAX_STARTUP_CRASHES:
                    raise LaunchError(
                        f"{what} could not be started: its part {running.spec.name} stopped {running.crashes} times. "
                        "The last lines of its log say why.",
                        log=running.spec.log or self.log,
                    )
            if time.monotonic() > deadline:
                raise LaunchError(f"{what} did not become ready within {seconds:.0f} seconds.", log=self.log)

    def wait_for_servers(self, *, seconds: float = 60) -> None:
        servers = [running.spec for running in self._running if running.spec.is_server]
        for spec in servers:
            self.wait_for(spec.is_ready, seconds=seconds, what=spec.name)

    def run_forever(self) -> None:
        while True:
            self._tick(POLL_INTERVAL)

    def _launch(self, running: ManagedProcess) -> None:
        spec = running.spec
        spec.before_start()
        running.started = time.monotonic()
        if spec.log is not None:
            with spec.log.open("ab") as output:
                running.process = self._spawn(spec, output)
        else:
            running.process = self._spawn(spec, subprocess.PIPE)
            output_pipe = running.process.stdout
            if output_pipe is not None:
                os.set_blocking(output_pipe.fileno(), False)
                self._selector.register(output_pipe, selectors.EVENT_READ, running)
        self._watchdog.add(running.process.pid, spec.stop_signal)

    def _spawn(self, spec: ProcessSpec, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        return processes.spawn(
            spec.command,
            output=output,
            environment=spec.environment,
            folder=spec.folder,
            unix_user=spec.unix_user,
            stop_signal=spec.stop_signal,
        )

    def _tick(self, seconds: float) -> None:
        self._pump_output(seconds)
        now = time.monotonic()
        for running in self._running:
            if running.process is None:
                if now >= running.restart_at:
                    self._launch(running)
            elif running.process.poll() is not None:
                self._record_crash(running, now)

    def _record_crash(self, running: ManagedProcess, now: float) -> None:
        code = self._reap(running)
        running.crashes = 1 if now - running.started > STABLE_AFTER else running.crashes + 1
        pause = min(MAX_BACKOFF, 0.5 * 2 ** (running.crashes - 1))
        running.restart_at = now + pause
        self._write(running, [f"stopped with {_exit_reason(code)}; starting it again in {pause:g} s".encode()])

    def _reap(self, running: ManagedProcess) -> int:
        """Forget an ended process, with whatever it left of its group and its last words."""
        process = running.process
        if process is None:
            return 0
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
        if ended:
            time.sleep(0.01)

    def _read(self, running: ManagedProcess, pipe: IO[bytes]) -> bool:
        """Pass on what a part has said; return whether it may say more."""
        try:
            chunk = os.read(pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        *lines, running.partial_line = (running.partial_line + chunk).split(b"\n")
        if not chunk and running.partial_line:
            lines, running.partial_line = [running.partial_line], b""
        self._write(running, lines)
        return bool(chunk)

    def _write(self, running: ManagedProcess, lines: list[bytes]) -> None:
        """All lines in one write each: under load a node says thousands a second."""
        if not lines:
            return
        label = f"{running.spec.name:<9} | ".encode()
        self._file.write(b"".join(label + line + b"\n" for line in lines))
        self._file.flush()
        if not self.quiet:
            console.print_line("\n".join(running.prefix + line.decode(errors="replace") for line in lines))

    def _stop(self, group: list[ManagedProcess], seconds: float) -> None:
        """Ask each main process, which ends its own children in order; then end whole groups."""
        self.quiet = True
        for running in group:
            if running.process is not None:
                running.process.send_signal(running.spec.stop_signal)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(_is_running(running) for running in group):
            self._pump_output(0.02)
        for running in group:
            self._reap(running)


def _is_running(running: ManagedProcess) -> bool:
    return running.process is not None and running.process.poll() is None


def _exit_reason(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
