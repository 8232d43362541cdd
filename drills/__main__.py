"""Run `python -m drills NAME`; `python -m drills --list` prints the names.

The exit code is 0 if the guarantee holds, 1 if it does not, and 2 if this machine cannot run the drill.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

import django

from drills.postgres import PostgresServer

DRILLS = {
    "mail": "no email is lost while workers are killed, and repeats have the same Message-ID",
    "stale": "no read is older than the last completed write, while Redis is flushed, killed and frozen",
    "limit": "three nodes together admit exactly the quota, and Retry-After is accurate",
    "revoke": "every node rejects a revoked session on its next request",
    "refresh": "a refresh token has one successor, reuse ends the session, a new signing key logs out no user",
    "redis": "no request fails while Redis is killed, frozen and flushed under load",
    "database": "no write is lost and no request gets a 500 while PostgreSQL is terminated, restarted, frozen and full",
    "slow": "a hanging mail server, a frozen Redis and a locked project stop nothing else",
    "node": "no read and no keyed write fails while one node is killed and another hangs",
    "overload": "at five times the capacity, throughput stays and the rest is rejected at once",
    "idempotency": "fifty concurrent uses of one Idempotency-Key create one row while nodes are killed",
    "timing": "login, registration and password reset take equally long for known and unknown addresses",
    "headers": "MDN's HTTP Observatory grades every kind of page A+ over TLS (needs npm and nginx)",
}
DRILLS_WITH_OWN_DATABASE = {"database"}
DRILLS_WITH_OWN_REDIS = set(DRILLS) - {"mail", "headers", "timing"}


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name == "--list":
        print(*DRILLS)
        return 0
    if name not in DRILLS:
        listing = "\n".join(f"  {name:12} {guarantee}" for name, guarantee in DRILLS.items())
        print(
            f"Usage: make drill-NAME, or python -m drills NAME. The drills and what they test:\n{listing}",
            file=sys.stderr,
        )
        return 2
    # Always /tmp, whatever TMPDIR says: the path of a Unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="taskflow-drill-", dir="/tmp") as folder:
        if name in DRILLS_WITH_OWN_REDIS:
            os.environ["REDIS_URL"] = f"unix://{folder}/redis.sock?db=0"
            os.environ.pop("CELERY_BROKER_URL", None)
        if name in DRILLS_WITH_OWN_DATABASE:
            os.environ["DATABASE_URL"] = PostgresServer.url(Path(folder))
        django.setup()
        code: int = importlib.import_module(f"drills.{name}").run(Path(folder), *arguments[1:])
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
