"""nginx in front of real nodes, and in front of nodes that never answer."""

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

from drills.processes import free_port
from tests.nginx.nginx_server import NginxServer

HASHED_CSS_NAME, CSS_CONTENT = "base.0123456789ab.css", b"body { margin: 0 }\n" * 100


class SilentNode:
    """A node that accepts every connection, records the requests and never answers."""

    def __init__(self, path: Path) -> None:
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(128)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self.listener.accept()[0])
                self.requests.append(self.connections[-1].recv(65536))

    def close(self) -> None:
        # Closing a listener does not end a call of accept in another thread; that thread may just have opened a socket.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        for open_socket in (self.listener, *self.connections):
            open_socket.close()


@pytest.fixture
def silent_nodes():
    """nginx in front of two silent nodes, and a function that returns their requests."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    nginx_server = NginxServer(folder, free_port(), {})
    nodes = [SilentNode(nginx_server.socket(name)) for name in ("one", "two")]
    nginx_server.start_nginx(["one", "two"])
    nginx_server.wait(lambda: nginx_server.get("/metrics").status == 404)
    yield nginx_server, lambda: [request for node in nodes for request in node.requests]
    nginx_server.stop()
    for node in nodes:
        node.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def nginx_server(django_db_setup):
    # Always /tmp: the path of a Unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    (folder / "var/static/css").mkdir(parents=True)
    for name in (HASHED_CSS_NAME, "base.css"):
        (folder / "var/static/css" / name).write_bytes(CSS_CONTENT)
    (folder / "var/static/css" / f"{HASHED_CSS_NAME}.gz").write_bytes(gzip.compress(CSS_CONTENT))
    (folder / "var/static/css" / f"{HASHED_CSS_NAME}.br").write_bytes(brotli.compress(CSS_CONTENT))
    database = connection.settings_dict
    address = f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": address,
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "DATA_DIR": str(folder / "var"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    running = NginxServer(folder, free_port(), environment)
    try:
        running.start(["one", "two"])
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
