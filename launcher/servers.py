"""The database and the cache: the person's own when named, else the embedded ones."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from launcher import postgres, valkey
from launcher.identity import ourselves
from launcher.places import Places, private_folder
from launcher.supervisor import Part


@dataclass(frozen=True, slots=True)
class Servers:
    parts: tuple[Part, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def for_running(places: Places) -> Servers:
    parts: list[Part] = []
    environment: dict[str, str] = {}
    if not os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_URL_FILE"):
        database = postgres.embedded(places)
        database.initialise()
        parts.append(database.part())
        environment["DATABASE_URL"] = database.url
    if not os.environ.get("REDIS_URL") and not os.environ.get("REDIS_URL_FILE"):
        cache = valkey.embedded(places, _sockets(places))
        parts.append(cache.part())
        environment["REDIS_URL"] = cache.url
        if not os.environ.get("CELERY_BROKER_URL"):
            environment["CELERY_BROKER_URL"] = cache.broker_url
    return Servers(tuple(parts), environment)


def _sockets(places: Places) -> Path:
    """PostgreSQL's user may own the folder already; then it stays its."""
    path = places.sockets
    return path if path.exists() else private_folder(path, owner=ourselves().uid)


def for_testing(places: Places, folder: Path) -> Servers:
    """Servers of their own, always: tests must not meet anybody's data."""
    database = postgres.throwaway(places, folder)
    database.initialise()
    cache = valkey.throwaway(places, folder)
    return Servers((database.part(), cache.part()), {"DATABASE_URL": database.url, "REDIS_URL": cache.url})
