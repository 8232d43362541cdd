"""The database and the cache: those of the environment, else embedded ones."""

from __future__ import annotations

import os
from pathlib import Path

from launcher import postgres, valkey
from launcher.paths import Paths, create_private_directory
from launcher.supervisor import ProcessSpec
from launcher.unix_user import current_user


def persistent_servers(paths: Paths) -> tuple[list[ProcessSpec], dict[str, str]]:
    """Return the servers to start and the variables that name them: only those that the environment does not name."""
    specs: list[ProcessSpec] = []
    urls: dict[str, str] = {}
    if not os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_URL_FILE"):
        database = postgres.persistent_server(paths)
        database.initialise()
        specs.append(database.spec())
        urls["DATABASE_URL"] = database.url
    if not os.environ.get("REDIS_URL") and not os.environ.get("REDIS_URL_FILE"):
        if not paths.sockets.exists():  # PostgreSQL's user may own it already
            create_private_directory(paths.sockets, owner=current_user().uid)
        cache = valkey.persistent_server(paths, paths.sockets)
        specs.append(cache.spec())
        urls["REDIS_URL"] = cache.url
        # The broker shares the server, in a database of its own.
        if not os.environ.get("CELERY_BROKER_URL"):
            urls["CELERY_BROKER_URL"] = cache.broker_url
    return specs, urls


def throwaway_servers(paths: Paths, folder: Path) -> tuple[list[ProcessSpec], dict[str, str]]:
    """Return the servers of a test run. They ignore the environment, so that no test touches real data."""
    database = postgres.throwaway_server(paths, folder)
    database.initialise()
    cache = valkey.throwaway_server(paths, folder)
    return [database.spec(), cache.spec()], {"DATABASE_URL": database.url, "REDIS_URL": cache.url}
