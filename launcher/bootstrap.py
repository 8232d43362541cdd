"""Create the virtual environment and install the requirements, again only when they changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time

from launcher import console, processes, system_packages
from launcher.console import LaunchError
from launcher.lock import single_instance_lock
from launcher.paths import Paths, is_read_only

RUNTIME_REQUIREMENTS = ("requirements.txt", "requirements-local.txt")
DEV_REQUIREMENTS = (*RUNTIME_REQUIREMENTS, "requirements-dev.txt")
CONSTRAINTS = "constraints.txt"
STAMP = "taskflow-requirements.json"
# Seconds; in a log of CI a line for each package would bury everything else.
PROGRESS_INTERVAL = 5.0
# What pip and urllib3 print when a connection fails.
UNREACHABLE_INDEX = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|connection broken by|ProxyError"
    r"|Network is unreachable|Temporary failure in name resolution|Could not fetch URL"
)


def ensure_installed(paths: Paths, files: tuple[str, ...]) -> None:
    """Create the virtual environment if needed and install these requirements files into it."""
    paths.prepare()
    hashes = requirement_hashes(paths, files)
    if is_current(paths, hashes):
        return
    # `make run` in one terminal and `make test` in another would install over each other.
    with single_instance_lock(paths.var / "install.lock", note="installing"):
        stamp = _read_stamp(paths)
        if not paths.python.exists() or not venv_python(paths).items() <= stamp.items():
            console.print_step(f"Creating the virtual environment in {paths.venv}")
            # Debian ships Python without ensurepip. A new process asks, because the package may just have been installed.
            probe = [sys.executable, "-c", "import ensurepip, venv"]
            if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode != 0:
                system_packages.install_venv_package()
            if paths.venv.is_symlink():
                paths.venv.unlink()  # `--clear` would empty a virtual environment that belongs to another checkout
            _create_venv(paths)
            stamp = {}
        # An installation that is interrupted leaves no claim that an earlier one is still whole.
        (paths.venv / STAMP).unlink(missing_ok=True)
        _install(paths, files)
        # Other constraints may have changed the versions that another requirements file asks for.
        if stamp.get(CONSTRAINTS) != hashes[CONSTRAINTS]:
            stamp = {}
        # Last, and inside the virtual environment: deleting that also deletes the claim that it is complete.
        (paths.venv / STAMP).write_text(json.dumps({**stamp, **hashes, **venv_python(paths)}, indent=1))


def requirement_hashes(paths: Paths, files: tuple[str, ...]) -> dict[str, str]:
    """Return the SHA-256 of each requirements file and of the constraints, by file name."""
    return {name: hashlib.sha256((paths.root / name).read_bytes()).hexdigest() for name in (*files, CONSTRAINTS)}


def venv_python(paths: Paths) -> dict[str, str]:
    """Return what the virtual environment depends on: a moved checkout or another Python makes it unusable."""
    return {"python": sys.version.split()[0], "folder": str(paths.venv.resolve())}


def is_current(paths: Paths, hashes: dict[str, str]) -> bool:
    """Return whether the last installation had these hashes, this Python and this folder."""
    # A subset: the stamp may name further files that another command has installed.
    expected = {**hashes, **venv_python(paths)}
    return paths.python.exists() and expected.items() <= _read_stamp(paths).items()


def _read_stamp(paths: Paths) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((paths.venv / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def _create_venv(paths: Paths) -> None:
    log = paths.logs / "install.log"
    command = [sys.executable, "-m", "venv", "--clear", str(paths.venv)]
    line = ""
    with log.open("w") as record:
        try:
            for line in processes.run_group(command, environment=os.environ, folder=paths.root):
                record.write(line)
        except subprocess.CalledProcessError as error:
            if is_read_only(paths.root):
                raise LaunchError(
                    f"{paths.root} is on a read-only file system; {paths.venv} is needed in it."
                ) from error
            raise LaunchError(f"The virtual environment could not be created. {line.strip()}", log=log) from error


def _install(paths: Paths, files: tuple[str, ...]) -> None:
    console.print_step(f"Installing {', '.join(files)} (once; about a minute)")
    log = paths.logs / "install.log"
    pip_install = [str(paths.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off", "-c", CONSTRAINTS]
    # With at least one retry pip says that a connection failed; with none it only says that no version fits.
    pip_install += ["--retries", "3"]
    command = [*pip_install, *(argument for name in files for argument in ("-r", name))]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    started = time.monotonic()
    progress = _Progress()
    last_error, is_unreachable = "", False
    with log.open("a") as record:
        try:
            for line in processes.run_group(command, environment=environment, folder=paths.root):
                record.write(line)
                progress.show(line.strip())
                last_error = line.strip() if line.startswith("ERROR") else last_error
                is_unreachable = is_unreachable or UNREACHABLE_INDEX.search(line) is not None
        except subprocess.CalledProcessError as error:
            # Without the index pip goes on to report that no version fits, which misleads.
            message = (
                "The package index can't be reached, so nothing could be installed. Check the network and the proxy, or name "
                "another index in PIP_INDEX_URL."
                if is_unreachable
                else f"The dependencies could not be installed. pip says: {last_error or 'nothing'}"
            )
            raise LaunchError(message, log=log) from error
        finally:
            progress.end()
    console.print_line(f"    installed in {time.monotonic() - started:.0f} s")


class _Progress:
    """Progress of pip: one changing line on a terminal, otherwise a line every few seconds."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = time.monotonic()
        self._packages = 0

    def show(self, line: str) -> None:
        if not line.startswith(("Collecting", "Downloading", "Installing", "Building")):
            return
        self._packages += line.startswith("Collecting")
        message = f"    {self._packages:>3} packages: {line.split(' (', maxsplit=1)[0]}"[:100]
        if self._live:
            sys.stdout.write(f"\r\x1b[2K{message}")
            sys.stdout.flush()
        elif time.monotonic() - self._last > PROGRESS_INTERVAL or line.startswith("Installing"):
            console.print_line(message)
            self._last = time.monotonic()

    def end(self) -> None:
        if self._live:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()
