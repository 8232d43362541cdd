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
from launcher.paths import Paths
from launcher.supervisor import Supervisor

MAX_WORKERS = 4


def run_tests(paths: Paths, arguments: list[str]) -> int:
    lacking = system_packages.install_missing()
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as settings:
        console.print_step("Running the tests")
        return run_in_foreground(_pytest_command(paths, arguments, lacking), paths, settings)


@contextmanager
def throwaway_servers(paths: Paths) -> Iterator[dict[str, str]]:
    """Give an environment in which PostgreSQL and Valkey run; nothing is left of them afterwards."""
    # A short path, whatever TMPDIR says: a Unix socket goes into it.
    folder = Path(tempfile.mkdtemp(prefix="taskflow-test-", dir="/tmp"))
    folder.chmod(0o711)  # PostgreSQL's user passes through
    try:
        with Supervisor(log=folder / "servers.log") as supervisor:
            chosen = servers.throwaway_servers(paths, folder)
            supervisor.start(*chosen.specs)
            supervisor.wait_for_servers()
            settings = environment.base_environment(paths, settings="config.settings.test")
            yield {**settings, **chosen.environment, "DATA_DIR": str(folder / "var")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pytest_command(paths: Paths, arguments: list[str], lacking: list[system_packages.SystemPackage]) -> list[str]:
    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    chosen = any(word.startswith(("-n", "--numprocesses", "-p no:xdist")) for word in arguments)
    spread = [] if chosen else ["-n", str(workers), "--dist=worksteal"]
    marks = sorted({package.marker for package in lacking})
    left_out = ["-m", " and ".join(f"not {mark}" for mark in marks)] if marks else []
    return [str(paths.python), "-m", "pytest", *spread, *left_out, *arguments]


def run_in_foreground(command: list[str], paths: Paths, settings: dict[str, str]) -> int:
    """Run it with our terminal, so that Ctrl-C reaches it too; wait until it has cleaned up, and return its exit code."""
    (Path(settings["DATA_DIR"])).mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=paths.root, env=settings) as process:
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
