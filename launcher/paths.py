"""Where things are on this machine."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LaunchError

MAX_SOCKET_PATH = 103  # macOS allows 104 bytes with the closing NUL, Linux 108
LONGEST_SOCKET_FILE = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Paths:
    root: Path
    var: Path

    @classmethod
    def of(cls, root: Path) -> Paths:
        chosen = os.environ.get("DATA_DIR")
        return cls(root=root, var=Path(chosen).absolute() if chosen else root / "var")

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def key(self) -> str:
        """Tells checkouts of one machine apart in names outside the checkout."""
        return hashlib.sha256(str(self.var.resolve()).encode()).hexdigest()[:10]

    @property
    def sockets(self) -> Path:
        """A short path: a Unix socket's name may not be longer than about a hundred bytes."""
        return Path("/tmp") / f"taskflow-{os.geteuid()}-{self.key}"  # noqa: S108 - ownership is checked below

    def prepare(self) -> None:
        try:
            for folder in (self.var, self.logs, self.var / "secrets"):
                folder.mkdir(parents=True, exist_ok=True)
            (self.var / "secrets").chmod(0o700)
        except PermissionError as error:
            raise _not_writable_error(Path(error.filename)) from error
        for path in (*self.var.iterdir(), *self.logs.iterdir()):
            if not os.access(path, os.W_OK):
                raise _not_writable_error(path)


def _not_writable_error(path: Path) -> LaunchError:
    return LaunchError(
        f"{path} belongs to somebody else (was TaskFlow started as another user before, as root perhaps?). "
        "Give it to yourself with chown -R, or set DATA_DIR to a folder of your own."
    )


def site_packages(paths: Paths) -> Path:
    """Return the packages folder of the virtual environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    exact = paths.venv / "lib" / version / "site-packages"
    if exact.is_dir():
        return exact
    return next(iter(sorted((paths.venv / "lib").glob("python3*/site-packages"))), exact)


def create_private_directory(path: Path, *, owner: int) -> Path:
    """Make a folder under a place that everybody may write to, and make sure that nobody else made it first."""
    if len(os.fsencode(path / LONGEST_SOCKET_FILE)) > MAX_SOCKET_PATH:
        raise LaunchError(f"The path {path} is too long for a Unix socket.")
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
        raise LaunchError(f"{path} was made by another user. Remove it, or set DATA_DIR to another folder.")
    if os.geteuid() == 0:
        os.chown(path, owner, -1)
    path.chmod(0o700)
    return path
