"""The database and the cache: the person's own when named, else the embedded ones."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from launcher import postgres, valkey
from launcher.paths import Paths, create_private_directory
from launcher.supervisor import ProcessSpec
from launcher.unix_user import current_user


@dataclass(frozen=True, slots=True)
class Servers:
    specs: tuple[ProcessSpec, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def persistent_servers(paths: Paths) -> Servers:
    specs: list[ProcessSpec] = []
    environment: dict[str, str] = {}
    if not os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_URL_FILE"):
        database = postgres.persistent_server(paths)
        database.initialise()
        specs.append(database.spec())
        environment["DATABASE_URL"] = database.url
    if not os.environ.get("REDIS_URL") and not os.environ.get("REDIS_URL_FILE"):
        cache = valkey.persistent_server(paths, _socket_directory(paths))
        specs.append(cache.spec())
        environment["REDIS_URL"] = cache.url
        if not os.environ.get("CELERY_BROKER_URL"):
            environment["CELERY_BROKER_URL"] = cache.broker_url
    return Servers(tuple(specs), environment)


def _socket_directory(paths: Paths) -> Path:
    """PostgreSQL's user may own the folder already; then it stays its."""
    path = paths.sockets
    return path if path.exists() else create_private_directory(path, owner=current_user().uid)


def throwaway_servers(paths: Paths, folder: Path) -> Servers:
    """Servers of their own, always: tests must not meet anybody's data."""
    database = postgres.throwaway_server(paths, folder)
    database.initialise()
    cache = valkey.throwaway_server(paths, folder)
    return Servers((database.spec(), cache.spec()), {"DATABASE_URL": database.url, "REDIS_URL": cache.url})
