from __future__ import annotations

import contextlib
import gzip
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.db import connection

from drills.parts import free_port
from tests.nginx.front import Front

HASHED, STYLE = "base.0123456789ab.css", b"body { margin: 0 }\n" * 100


class SilentNode:
    """It takes every connection, keeps what it was asked, and says nothing."""

    def __init__(self, path: Path) -> None:
        self.asked: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(128)
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self.listener.accept()[0])
                self.asked.append(self.connections[-1].recv(65536))

    def close(self) -> None:
        for one in (self.listener, *self.connections):
            one.close()


@pytest.fixture
def silence():
    """nginx before two nodes that say nothing; gives the front, and what its nodes were asked."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    front = Front(folder, free_port(), {})
    nodes = [SilentNode(front.socket(name)) for name in ("one", "two")]
    front.start_nginx(["one", "two"])
    front.wait(lambda: front.get("/metrics").status == 404)
    yield front, lambda: [asked for node in nodes for asked in node.asked]
    front.stop()
    for node in nodes:
        node.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def front(django_db_setup):
    # A short path, since sockets go into it.
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    (folder / "var/static/css").mkdir(parents=True)
    for name in (HASHED, "base.css"):
        (folder / "var/static/css" / name).write_bytes(STYLE)
    (folder / "var/static/css" / f"{HASHED}.gz").write_bytes(gzip.compress(STYLE))
    (folder / "var/static/css" / f"{HASHED}.br").write_bytes(brotli.compress(STYLE))
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
