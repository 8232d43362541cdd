"""Whom a program runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from launcher.console import LaunchError


class ProcessUser(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Identity:
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def for_subprocess(self) -> ProcessUser:
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, what: str, path: Path) -> bool:
        """Ask as that user: `x` to run a file or enter a folder, `w` to write."""
        command = ["test", f"-{what}", str(path)]
        return subprocess.run(command, cwd="/", check=False, **self.for_subprocess()).returncode == 0

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def ourselves() -> Identity:
    return Identity(os.geteuid(), os.getegid())


def unprivileged(data: Path) -> Identity:
    """Return the owner of data that exist already, else us, else (as root) nobody."""
    if os.geteuid() != 0:
        return ourselves()
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()
        return Identity(found.st_uid, found.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise LaunchError(
            "PostgreSQL does not run as root, and this machine has no user named nobody. "
            "Start TaskFlow as another user, or set DATABASE_URL."
        ) from error
    return Identity(nobody.pw_uid, nobody.pw_gid)
