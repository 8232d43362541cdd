"""`make test`: run the test suite on throw-away servers."""

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

# Each worker has a database of its own; more of them compete for the disk.
MAX_WORKERS = 4
# A worker waits for the database, a browser or a process in a third of its time.
WORKERS_BEYOND_CORES = 1


def run_tests(paths: Paths, arguments: list[str]) -> int:
    """Run pytest with these arguments and return its exit code; tests of missing programs are skipped."""
    missing = system_packages.install_missing()
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    command = [str(paths.python), "-m", "pytest"]
    if not any(argument.startswith(("-n", "--numprocesses", "-p no:xdist")) for argument in arguments):
        command += ["-n", str(min((os.cpu_count() or 1) + WORKERS_BEYOND_CORES, MAX_WORKERS)), "--dist=worksteal"]
    if markers := sorted({package.marker for package in missing}):
        command += ["-m", " and ".join(f"not {marker}" for marker in markers)]
    with throwaway_servers(paths) as settings:
        console.print_step("Running the tests")
        return run_in_foreground([*command, *arguments], paths, settings)


def take_screenshots(paths: Paths) -> int:
    """Run `make screenshots`: pictures of every page, light and dark, wide and on a phone, in var/screenshots."""
    system_packages.install_missing()
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    command = [str(paths.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/browser/screenshots.py"]
    with throwaway_servers(paths) as settings:
        console.print_step("Opening every page")
        code = run_in_foreground([*command, "-n", "0"], paths, settings)
        pictures = Path(settings["DATA_DIR"]) / "screenshots"
        if pictures.is_dir():
            shutil.copytree(pictures, paths.var / "screenshots", dirs_exist_ok=True)
            console.print_step(f"The pictures are in {paths.var / 'screenshots'}")
        return code


@contextmanager
def throwaway_servers(paths: Paths) -> Iterator[dict[str, str]]:
    """Start PostgreSQL and Valkey, yield the environment to use them, and delete their data afterwards."""
    # Always /tmp, whatever TMPDIR says: the path of a Unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="taskflow-test-", dir="/tmp"))
    folder.chmod(0o711)  # PostgreSQL's user must be able to enter it
    try:
        with Supervisor(log=folder / "servers.log") as supervisor:
            specs, urls = servers.throwaway_servers(paths, folder)
            supervisor.start(*specs)
            supervisor.wait_for_servers()
            settings = environment.base_environment(paths, settings="config.settings.test")
            yield {**settings, **urls, "DATA_DIR": str(folder / "var")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_in_foreground(command: list[str], paths: Paths, settings: dict[str, str]) -> int:
    """Run a command on this terminal and return its exit code. On Ctrl-C it has 20 s to clean up."""
    (Path(settings["DATA_DIR"])).mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=paths.root, env=settings) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The launcher must outlive further Ctrl-C, because it still has to stop the servers.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
