"""`python -m drills NAME`: exits 0 when the guarantee held, 1 when it did not, 2 when this machine cannot show it."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

import django

DRILLS = {
    "mail": "no notification is lost or doubled while workers are killed",
    "stale": "no answer is older than what an answered write demands, whatever happens to Redis",
    "limit": "exactly the quota is admitted over three nodes, and Retry-After is kept",
    "revoke": "a revoked session is refused by every node on the next request",
    "refresh": "one successor of fifty uses of a refresh token; later use ends the session; a new key signs nobody out",
    "redis": "Redis killed, frozen and flushed under load: no 5xx",
    "node": "one node of three killed, another frozen: no failed read, no doubled write",
    "overload": "five times the capacity: the work goes on and the rest is refused at once",
    "idempotency": "fifty uses of one key while nodes are killed: one row",
    "timing": "sign-in, registration and reset take as long for a known address as for an unknown one",
    "headers": "MDN's HTTP Observatory gives every kind of page A+ over TLS (needs npm and nginx)",
}
DRILLS_WITH_OWN_REDIS = set(DRILLS) - {"mail", "headers", "timing"}


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in DRILLS:
        listed = "\n".join(f"  {name:12} {promise}" for name, promise in DRILLS.items())
        print(f"python -m drills NAME, or make drill-NAME:\n{listed}", file=sys.stderr)
        return 2
    # A short path, whatever TMPDIR says: Unix sockets go into it.
    with tempfile.TemporaryDirectory(prefix="taskflow-drill-", dir="/tmp") as folder:
        if name in DRILLS_WITH_OWN_REDIS:
            os.environ["REDIS_URL"] = f"unix://{folder}/redis.sock?db=0"
            os.environ.pop("CELERY_BROKER_URL", None)
        django.setup()
        code: int = importlib.import_module(f"drills.{name}").run(Path(folder), *arguments[1:])
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
