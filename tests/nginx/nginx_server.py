"""nginx as `make stack` configures it, in front of real nodes, on a free port."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launcher import nginx as launcher_nginx

ROOT = Path(__file__).resolve().parents[2]
GUNICORN_COMMAND = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        """Return the value of a header that occurs once."""
        (value,) = self.all(name)
        return value


@dataclass
class NginxServer:
    """nginx and its nodes, with a log each in `folder`."""

    folder: Path
    port: int
    environment: Mapping[str, str]
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    nginx: subprocess.Popen[bytes] | None = None

    def socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    def start(self, names: list[str]) -> None:
        for name in names:
            self.start_node(name)
        self.start_nginx(names)
        self.wait(lambda: self.get("/readyz").status == 200)

    def start_nginx(self, names: list[str]) -> None:
        path = launcher_nginx.write_config(
            root=ROOT,
            folder=self.folder / "a folder",
            var=self.folder / "var",
            host="127.0.0.1",
            port=self.port,
            sockets=[self.socket(name) for name in names],
        )
        with (self.folder / "nginx.log").open("ab") as log:
            self.nginx = subprocess.Popen(launcher_nginx.build_command(path), stdout=log, stderr=log)

    def start_node(self, name: str) -> None:
        settings = {**os.environ, **self.environment, "BIND": f"unix:{self.socket(name)}", "WORKERS": "1"}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(
                GUNICORN_COMMAND, cwd=ROOT, env=settings, stdout=log, stderr=log, start_new_session=True
            )
        self.wait(self.socket(name).exists)

    def kill_node(self, name: str) -> None:
        process = self.nodes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @contextlib.contextmanager
    def paused(self, *names: str) -> Iterator[None]:
        """Freeze these nodes: they accept connections and never response."""
        for name in names:
            os.killpg(self.nodes[name].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                os.killpg(self.nodes[name].pid, signal.SIGCONT)

    def stop(self) -> None:
        for name in list(self.nodes):
            self.kill_node(name)
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait(10)

    def wait(self, condition) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():
                    return
            time.sleep(0.05)
        raise AssertionError(
            self.get("/readyz").body.decode() + "".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        )

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, None, **headers)

    def send(self, method: str, path: str, body: bytes | None = None, timeout: float = 20, **headers: str) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Response(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
