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
from launcher.guard import Guard
from launcher.identity import Identity

LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0
FALLS_WHILE_STARTING = 3
SECONDS_FOR_PARTS = 2.8
SECONDS_FOR_SERVERS = 1.6
TICK = 0.1


def _nothing() -> None:
    """A part that needs no preparation."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path = Path("/")
    stop_signal: int = signal.SIGTERM
    identity: Identity | None = None
    log: Path | None = None
    """A file of its own; without one its lines go to the terminal and the common log."""
    before: Callable[[], None] = _nothing
    is_ready: Callable[[], bool] = _always
    is_server: bool = False
    """Servers start first and stop last."""


@dataclass(slots=True)
class Running:
    part: Part
    prefix: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    restart_at: float = 0.0
    rest: bytes = b""


@dataclass(slots=True)
class Supervisor:
    log: Path
    quiet: bool = False
    _running: list[Running] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _guard: Guard = field(default_factory=Guard)
    _file: IO[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self._file = self.log.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._stop([running for running in self._running if not running.part.is_server], SECONDS_FOR_PARTS)
        self._stop([running for running in self._running if running.part.is_server], SECONDS_FOR_SERVERS)
        self._guard.close()
        self._selector.close()
        self._file.close()

    def start(self, *parts: Part) -> None:
        for part in parts:
            running = Running(part, console.prefix(part.name, len(self._running)))
            self._running.append(running)
            self._launch(running)

    def finish(self, part: Part, *, what: str) -> None:
        """Run a part that comes to an end by itself."""
        running = Running(part, console.prefix(part.name, len(self._running)))
        self._running.append(running)
        self._launch(running)
        while _is_up(running):
            self._forward(0.02)
        self._running.remove(running)
        code = self._bury(running)
        if code != 0:
            raise LaunchError(f"{what} did not succeed ({_reason(code)}). Its last lines say why.", log=self.log)

    def wait_for(self, is_ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Return when `is_ready`; a part that keeps falling, or too long a wait, is an error that names the log."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self._tick(0.02)
            for running in self._running:
                if running.falls >= FALLS_WHILE_STARTING:
                    raise LaunchError(
                        f"{what} could not be started: its part {running.part.name} stopped {running.falls} times. "
                        "The last lines of its log say why.",
                        log=running.part.log or self.log,
                    )
            if time.monotonic() > deadline:
                raise LaunchError(f"{what} did not become ready within {seconds:.0f} seconds.", log=self.log)

    def wait_for_servers(self, *, seconds: float = 60) -> None:
        servers = [running.part for running in self._running if running.part.is_server]
        for part in servers:
            self.wait_for(part.is_ready, seconds=seconds, what=part.name)

    def watch(self) -> None:
        while True:
            self._tick(TICK)

    def _launch(self, running: Running) -> None:
        part = running.part
        part.before()
        running.started = time.monotonic()
        if part.log is not None:
            with part.log.open("ab") as output:
                running.process = self._spawn(part, output)
        else:
            running.process = self._spawn(part, subprocess.PIPE)
            output_pipe = running.process.stdout
            if output_pipe is not None:
                os.set_blocking(output_pipe.fileno(), False)
                self._selector.register(output_pipe, selectors.EVENT_READ, running)
        self._guard.add(running.process.pid, part.stop_signal)

    def _spawn(self, part: Part, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        return processes.spawn(
            part.command,
            output=output,
            environment=part.environment,
            folder=part.folder,
            identity=part.identity,
            stop_signal=part.stop_signal,
        )

    def _tick(self, seconds: float) -> None:
        self._forward(seconds)
        now = time.monotonic()
        for running in self._running:
            if running.process is None:
                if now >= running.restart_at:
                    self._launch(running)
            elif running.process.poll() is not None:
                self._note_fall(running, now)

    def _note_fall(self, running: Running, now: float) -> None:
        code = self._bury(running)
        running.falls = 1 if now - running.started > STEADY_AFTER else running.falls + 1
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (running.falls - 1))
        running.restart_at = now + pause
        self._write(running, [f"stopped with {_reason(code)}; starting it again in {pause:g} s".encode()])

    def _bury(self, running: Running) -> int:
        """Forget an ended process, with whatever it left of its group and its last words."""
        process = running.process
        if process is None:
            return 0
        processes.signal_group(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            self._read(running, process.stdout)
            self._selector.unregister(process.stdout)
            process.stdout.close()
        self._guard.remove(process.pid)
        running.process = None
        return process.wait()

    def _forward(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        ended = False
        for key, _ in self._selector.select(seconds):
            ended = not self._read(key.data, key.fileobj) or ended  # type: ignore[arg-type]
        if ended:
            time.sleep(0.01)

    def _read(self, running: Running, pipe: IO[bytes]) -> bool:
        """Pass on what a part has said; return whether it may say more."""
        try:
            chunk = os.read(pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        *lines, running.rest = (running.rest + chunk).split(b"\n")
        if not chunk and running.rest:
            lines, running.rest = [running.rest], b""
        self._write(running, lines)
        return bool(chunk)

    def _write(self, running: Running, lines: list[bytes]) -> None:
        """All lines in one write each: under load a node says thousands a second."""
        if not lines:
            return
        label = f"{running.part.name:<9} | ".encode()
        self._file.write(b"".join(label + line + b"\n" for line in lines))
        self._file.flush()
        if not self.quiet:
            console.say("\n".join(running.prefix + line.decode(errors="replace") for line in lines))

    def _stop(self, group: list[Running], seconds: float) -> None:
        """Ask each main process, which ends its own children in order; then end whole groups."""
        self.quiet = True
        for running in group:
            if running.process is not None:
                running.process.send_signal(running.part.stop_signal)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(_is_up(running) for running in group):
            self._forward(0.02)
        for running in group:
            self._bury(running)


def _is_up(running: Running) -> bool:
    return running.process is not None and running.process.poll() is None


def _reason(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
