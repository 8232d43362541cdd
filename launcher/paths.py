"""Files and folders of a checkout and of its data."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LaunchError

MAX_SOCKET_PATH = 103  # macOS allows 104 bytes with the closing NUL, Linux 108
SOCKET_FILE = ".s.PGSQL.5432"  # the longest name of a socket in the folder


@dataclass(frozen=True, slots=True)
class Paths:
    """`root` is the checkout, `var` the folder of all data, emails and logs."""

    root: Path
    var: Path

    @classmethod
    def of(cls, root: Path) -> Paths:
        """Return the paths of a checkout; DATA_DIR moves the data elsewhere."""
        # Absolute, because the processes run in other folders.
        data_dir = os.environ.get("DATA_DIR")
        return cls(root=root, var=Path(data_dir).absolute() if data_dir else root / "var")

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
        """Short hash of the data folder, for names outside it that must differ between checkouts."""
        return hashlib.sha256(str(self.var.resolve()).encode()).hexdigest()[:10]

    @property
    def sockets(self) -> Path:
        """Folder of the Unix sockets: a short path, since a socket's path has at most about a hundred bytes."""
        return Path("/tmp") / f"taskflow-{os.geteuid()}-{self.key}"  # noqa: S108 - ownership is checked below

    def prepare(self) -> None:
        """Create the data folders. Raises LaunchError for files of another user."""
        try:
            for folder in (self.var, self.logs, self.var / "secrets"):
                folder.mkdir(parents=True, exist_ok=True)
            (self.var / "secrets").chmod(0o700)
        except OSError as error:
            raise _not_writable_error(Path(error.filename), error) from error
        for path in (*self.var.iterdir(), *self.logs.iterdir()):
            if not os.access(path, os.W_OK):
                raise _not_writable_error(path)


def _not_writable_error(path: Path, error: OSError | None = None) -> LaunchError:
    if (error and error.errno == errno.EROFS) or is_read_only(path):
        return LaunchError(f"{path} is on a read-only file system. Set DATA_DIR to a folder that can be written.")
    if error and not isinstance(error, PermissionError):
        return LaunchError(f"{path} cannot be created: {error.strerror}.")
    return LaunchError(
        f"{path} is not writable. Perhaps TaskFlow was started as another user (such as root) before. "
        "Change its owner with chown -R, or set DATA_DIR to another folder."
    )


def is_read_only(path: Path) -> bool:
    """Return whether the existing part of a path is on a read-only file system."""
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    return bool(os.statvfs(nearest).f_flag & os.ST_RDONLY)


def site_packages(paths: Paths) -> Path:
    """Return the packages folder of the virtual environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    exact = paths.venv / "lib" / version / "site-packages"
    if exact.is_dir():
        return exact
    return next(iter(sorted((paths.venv / "lib").glob("python3*/site-packages"))), exact)


def create_private_directory(path: Path, *, owner: int) -> Path:
    """Create a folder for sockets that only the user id `owner` can enter.

    Raises LaunchError if another user created it first: its parent may be world-writable, as /tmp is.
    """
    if len(os.fsencode(path / SOCKET_FILE)) > MAX_SOCKET_PATH:
        raise LaunchError(f"The path {path} is too long for a Unix socket.")
    path.mkdir(mode=0o700, exist_ok=True)
    # lstat: a symbolic link that another user put here would lead elsewhere.
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), owner}:
        raise LaunchError(f"{path} was created by another user. Remove it, or set DATA_DIR to another folder.")
    if os.geteuid() == 0:
        os.chown(path, owner, -1)
    path.chmod(0o700)
    return path
