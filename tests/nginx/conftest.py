from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from drills.parts import free_port
from tests.nginx.front import Front

HASHED = "base.0123456789ab.css"


@pytest.fixture(scope="module")
def front(django_db_setup):
    # A short path, since sockets go into it.
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    (folder / "var/static/css").mkdir(parents=True)
    for name in (HASHED, "base.css"):
        (folder / "var/static/css" / name).write_text("body { margin: 0 }\n")
    database = connection.settings_dict
    address = f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": address,
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "TASKFLOW_VAR": str(folder / "var"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    running = Front(folder, free_port(), environment)
    try:
        running.start(["one", "two"])
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
