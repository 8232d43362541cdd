"""Unix users for programs that refuse to run as root, as PostgreSQL does."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from launcher.console import LaunchError


class SubprocessUserArgs(TypedDict, total=False):
    """Keyword arguments of subprocess.Popen that change the user."""

    user: int
    group: int
    # Emptied: root's own groups would go along otherwise.
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class UnixUser:
    uid: int
    gid: int

    @property
    def is_current_user(self) -> bool:
        return self.uid == os.geteuid()

    def subprocess_args(self) -> SubprocessUserArgs:
        return {} if self.is_current_user else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_access(self, mode: str, path: Path) -> bool:
        """Return whether the user has access: mode `x` to run or enter, `w` to write."""
        # Tried as that user: groups, ACLs and all parent folders count, which only the kernel knows.
        command = ["test", f"-{mode}", str(path)]
        return subprocess.run(command, cwd="/", check=False, **self.subprocess_args()).returncode == 0

    def set_owner(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def current_user() -> UnixUser:
    return UnixUser(os.geteuid(), os.getegid())


def unprivileged_user(data: Path) -> UnixUser:
    """Return the current user, or as root the owner of `data`, or the user `nobody`."""
    if os.geteuid() != 0:
        return current_user()
    if data.exists() and data.stat().st_uid != 0:
        # PostgreSQL refuses to start on data of another user, so the owner stays the same.
        status = data.stat()
        return UnixUser(status.st_uid, status.st_gid)
    try:
        account = pwd.getpwnam("nobody")
    except KeyError as error:
        raise LaunchError(
            "PostgreSQL does not run as root, and this machine has no user `nobody`. "
            "Start TaskFlow as another user, or set DATABASE_URL."
        ) from error
    return UnixUser(account.pw_uid, account.pw_gid)
