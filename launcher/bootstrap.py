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
from launcher.lock import only_instance
from launcher.places import Places

RUN = ("requirements.txt", "requirements-local.txt")
DEVELOP = (*RUN, "requirements-dev.txt")
CONSTRAINTS = "constraints.txt"
STAMP = "taskflow-requirements.json"
SECONDS_BETWEEN_SIGNS_OF_LIFE = 5.0


def ready(places: Places, wanted: tuple[str, ...]) -> None:
    """Make sure that the environment exists and holds what the files of `wanted` name."""
    places.prepare()
    hashes = hashes_of(places, wanted)
    if is_current(places, hashes):
        return
    with only_instance(places.var / "install.lock", note="installing"):
        installed = _stamp(places)
        if not _works(places, installed):
            _make_environment(places)
            installed = {}
        _install(places, wanted)
        stamp = {**_still_true(installed, hashes), **hashes, **interpreter(places)}
        (places.venv / STAMP).write_text(json.dumps(stamp, indent=1))


def hashes_of(places: Places, wanted: tuple[str, ...]) -> dict[str, str]:
    return {name: hashlib.sha256((places.root / name).read_bytes()).hexdigest() for name in (*wanted, CONSTRAINTS)}


def interpreter(places: Places) -> dict[str, str]:
    """A moved checkout or another Python makes the environment unusable."""
    return {"python": sys.version.split()[0], "folder": str(places.venv)}


def _stamp(places: Places) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((places.venv / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return found


def is_current(places: Places, hashes: dict[str, str]) -> bool:
    needed = {**hashes, **interpreter(places)}
    return places.python.exists() and needed.items() <= _stamp(places).items()


def _works(places: Places, installed: dict[str, str]) -> bool:
    return places.python.exists() and interpreter(places).items() <= installed.items()


def _still_true(installed: dict[str, str], hashes: dict[str, str]) -> dict[str, str]:
    """Other constraints may have changed what another file's packages are."""
    return installed if installed.get(CONSTRAINTS) == hashes[CONSTRAINTS] else {}


def _make_environment(places: Places) -> None:
    console.step(f"Making the virtual environment in {places.venv}")
    if not _has_ensurepip():
        system_packages.install_for_venv()
    log = places.logs / "install.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "venv", "--clear", str(places.venv)]
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise LaunchError("The virtual environment could not be made.", log=log)


def _has_ensurepip() -> bool:
    """Debian ships Python without it; asked in a process of its own, as it may just have been installed."""
    done = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _install(places: Places, wanted: tuple[str, ...]) -> None:
    console.step(f"Installing {', '.join(wanted)} (once; about a minute)")
    log = places.logs / "install.log"
    files = [word for name in wanted for word in ("-r", name)]
    command = [
        str(places.python),
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
            command, cwd=places.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        progress = _Progress()
        for line in pip.stdout or ():
            record.write(line)
            progress.show(line.strip())
    progress.end()
    if pip.returncode != 0:
        raise LaunchError(_why(log), log=log)
    console.say(f"    installed in {time.monotonic() - started:.0f} s")


def _why(log: Path) -> str:
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
        elif time.monotonic() - self._last > SECONDS_BETWEEN_SIGNS_OF_LIFE or line.startswith("Installing"):
            console.say(words)
            self._last = time.monotonic()

    def end(self) -> None:
        if self._live:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()
