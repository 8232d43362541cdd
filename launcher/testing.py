"""`make test`: real servers on throw-away data, then the whole suite."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import bootstrap, console, environment, servers, system_packages
from launcher.places import Places
from launcher.supervisor import Supervisor

MOST_WORKERS = 4


def test(places: Places, arguments: list[str]) -> int:
    lacking = system_packages.ensure()
    bootstrap.ready(places, bootstrap.DEVELOP)
    with throwaway_servers(places) as settings:
        console.step("Running the tests")
        return in_foreground(_command(places, arguments, lacking), places, settings)


@contextmanager
def throwaway_servers(places: Places) -> Iterator[dict[str, str]]:
    """Give an environment in which PostgreSQL and Valkey run; nothing is left of them afterwards."""
    # A short path, whatever TMPDIR says: a Unix socket goes into it.
    folder = Path(tempfile.mkdtemp(prefix="taskflow-test-", dir="/tmp"))
    folder.chmod(0o711)  # PostgreSQL's user passes through
    try:
        with Supervisor(log=folder / "servers.log") as supervisor:
            chosen = servers.for_testing(places, folder)
            supervisor.start(*chosen.parts)
            supervisor.wait_for_servers()
            settings = environment.common(places, settings="config.settings.test")
            yield {**settings, **chosen.environment, "TASKFLOW_VAR": str(folder / "var")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(places: Places, arguments: list[str], lacking: list[system_packages.SystemPackage]) -> list[str]:
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    chosen = any(word.startswith(("-n", "--numprocesses", "-p no:xdist")) for word in arguments)
    spread = [] if chosen else ["-n", str(workers), "--dist=worksteal"]
    marks = sorted({package.marker for package in lacking})
    left_out = ["-m", " and ".join(f"not {mark}" for mark in marks)] if marks else []
    return [str(places.python), "-m", "pytest", *spread, *left_out, *arguments]


def in_foreground(command: list[str], places: Places, settings: dict[str, str]) -> int:
    """Run it with our terminal, so that Ctrl-C reaches it too; wait until it has cleaned up, and return its exit code."""
    (Path(settings["TASKFLOW_VAR"])).mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=places.root, env=settings) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
