"""The virtual environment and what is installed in it, done again only when the requirements changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from launcher import console, system_packages
from launcher.console import LaunchError
from launcher.lock import single_instance_lock
from launcher.paths import Paths

RUNTIME_REQUIREMENTS = ("requirements.txt", "requirements-local.txt")
DEV_REQUIREMENTS = (*RUNTIME_REQUIREMENTS, "requirements-dev.txt")
CONSTRAINTS = "constraints.txt"
STAMP = "taskflow-requirements.json"
PROGRESS_INTERVAL = 5.0


def ensure_installed(paths: Paths, wanted: tuple[str, ...]) -> None:
    """Make sure that the environment exists and holds what the files of `wanted` name."""
    paths.prepare()
    hashes = requirement_hashes(paths, wanted)
    if is_current(paths, hashes):
        return
    with single_instance_lock(paths.var / "install.lock", note="installing"):
        installed = _read_stamp(paths)
        if not _imports_work(paths, installed):
            _create_venv(paths)
            installed = {}
        _install(paths, wanted)
        stamp = {**_hashes_match(installed, hashes), **hashes, **venv_python(paths)}
        (paths.venv / STAMP).write_text(json.dumps(stamp, indent=1))


def requirement_hashes(paths: Paths, wanted: tuple[str, ...]) -> dict[str, str]:
    return {name: hashlib.sha256((paths.root / name).read_bytes()).hexdigest() for name in (*wanted, CONSTRAINTS)}


def venv_python(paths: Paths) -> dict[str, str]:
    """A moved checkout or another Python makes the environment unusable."""
    return {"python": sys.version.split()[0], "folder": str(paths.venv)}


def _read_stamp(paths: Paths) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((paths.venv / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return found


def is_current(paths: Paths, hashes: dict[str, str]) -> bool:
    needed = {**hashes, **venv_python(paths)}
    return paths.python.exists() and needed.items() <= _read_stamp(paths).items()


def _imports_work(paths: Paths, installed: dict[str, str]) -> bool:
    return paths.python.exists() and venv_python(paths).items() <= installed.items()


def _hashes_match(installed: dict[str, str], hashes: dict[str, str]) -> dict[str, str]:
    """Other constraints may have changed what another file's packages are."""
    return installed if installed.get(CONSTRAINTS) == hashes[CONSTRAINTS] else {}


def _create_venv(paths: Paths) -> None:
    console.print_step(f"Making the virtual environment in {paths.venv}")
    if not _has_ensurepip():
        system_packages.install_venv_package()
    log = paths.logs / "install.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "venv", "--clear", str(paths.venv)]
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise LaunchError("The virtual environment could not be made.", log=log)


def _has_ensurepip() -> bool:
    """Debian ships Python without it; asked in a process of its own, as it may just have been installed."""
    done = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _install(paths: Paths, wanted: tuple[str, ...]) -> None:
    console.print_step(f"Installing {', '.join(wanted)} (once; about a minute)")
    log = paths.logs / "install.log"
    files = [word for name in wanted for word in ("-r", name)]
    command = [
        str(paths.python),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--progress-bar",
        "off",
        "-c",
        CONSTRAINTS,
        *files,
    ]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    started = time.monotonic()
    with (
        log.open("a") as record,
        subprocess.Popen(
            command, cwd=paths.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        progress = _Progress()
        for line in pip.stdout or ():
            record.write(line)
            progress.show(line.strip())
    progress.end()
    if pip.returncode != 0:
        raise LaunchError(_pip_error(log), log=log)
    console.print_line(f"    installed in {time.monotonic() - started:.0f} s")


def _pip_error(log: Path) -> str:
    errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
    reason = f" pip says: {errors[-1]}" if errors else ""
    return f"The dependencies could not be installed; is the package index reachable and the disk not full?{reason}"


class _Progress:
    """One changing line on a terminal; elsewhere a sign of life every few seconds."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = time.monotonic()
        self._packages = 0

    def show(self, line: str) -> None:
        if not line.startswith(("Collecting", "Downloading", "Installing", "Building")):
            return
        self._packages += line.startswith("Collecting")
        words = f"    {self._packages:>3} packages: {line.split(' (', maxsplit=1)[0]}"[:100]
        if self._live:
            sys.stdout.write(f"\r\x1b[2K{words}")
            sys.stdout.flush()
        elif time.monotonic() - self._last > PROGRESS_INTERVAL or line.startswith("Installing"):
            console.print_line(words)
            self._last = time.monotonic()

    def end(self) -> None:
        if self._live:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()
