"""A PostgreSQL of a drill's own, which it may restart, freeze and fill with connections."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from drills.processes import ROOT, wait_until
from launcher import postgres as launcher_postgres
from launcher.paths import Paths

# Small, so that a drill can use up all of them; three nodes have up to six each.
MAX_CONNECTIONS = 60
START_TIMEOUT = 60.0


class PostgresServer:
    """A server in `folder`, with durable commits as in production. Leaving the block stops it."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)  # PostgreSQL's user must be able to enter it
        self.server = replace(
            launcher_postgres.throwaway_server(Paths.of(ROOT), folder),
            options={**launcher_postgres.DURABLE_OPTIONS, "max_connections": str(MAX_CONNECTIONS)},
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.frozen: list[int] = []

    @staticmethod
    def url(folder: Path) -> str:
        """Return the URL of the server in this folder, before it exists."""
        return f"postgresql:///{launcher_postgres.DATABASE_NAME}?host={folder}/s&user={launcher_postgres.DATABASE_NAME}"

    def __enter__(self) -> Self:
        self.server.initialise()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        self.stop()

    def start(self) -> None:
        spec = self.server.spec()
        with self.server.log.open("ab") as log:
            self.process = subprocess.Popen(
                spec.command,
                cwd="/",
                env=dict(spec.environment),
                stdout=log,
                stderr=log,
                process_group=0,
                **self.server.unix_user.subprocess_args(),
            )
        wait_until(spec.is_ready, seconds=START_TIMEOUT, what="PostgreSQL does not start")

    def stop(self) -> None:
        """Stop the server at once, without waiting for clients ("fast")."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.process = None

    def freeze(self) -> None:
        """Suspend the server and all its processes (SIGSTOP); its sockets stay open and accept connections."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        # Each backend leads a process group of its own.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.frozen = [*map(int, children), self.process.pid]
        for pid in self.frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.frozen = []

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Return a connection of the superuser."""
        name = launcher_postgres.DATABASE_NAME
        return psycopg.connect(dbname=name, user=name, host=str(self.server.sockets), **options)

    def terminate_backends(self) -> None:
        """Terminate the connections of all others."""
        with self.connect(autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def exhaust_connections(self, seconds: float) -> None:
        """Take every connection, those of the application too, and keep them for so long."""
        taken: list[psycopg.Connection[Any]] = []
        end = time.monotonic() + seconds
        with self.connect(autocommit=True) as controller:
            while time.monotonic() < end:
                try:
                    taken.append(self.connect(autocommit=True))
                except psycopg.OperationalError:
                    # All are taken: now those of the application, a few at a time.
                    controller.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                        "AND pid <> pg_backend_pid() AND NOT pid = ANY(%s)",
                        [[connection.info.backend_pid for connection in taken]],
                    )
                    time.sleep(0.02)
        for connection in taken:
            connection.close()
