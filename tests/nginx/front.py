"""nginx as `make stack` sets it up, in front of real nodes of its own, on a port nobody else has."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import string
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
SERVE = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one.lower() == name.lower()]

    def one(self, name: str) -> str:
        (found,) = self.all(name)
        return found


@dataclass
class Front:
    folder: Path
    port: int
    environment: Mapping[str, str]
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    nginx: subprocess.Popen[bytes] | None = None

    def socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    def configure(self, names: list[str]) -> Path:
        folder = self.folder / "a folder"
        folder.mkdir()
        servers = "\n".join(f"server unix:{self.socket(name)} max_fails=1 fail_timeout=3s;" for name in names)
        template = string.Template((ROOT / "nginx/stack.conf.template").read_text())
        path = folder / "nginx.conf"
        path.write_text(
            template.safe_substitute(
                HOST="127.0.0.1", PORT=self.port, NODES=servers, VAR=self.folder / "var", FOLDER=folder, ROOT=ROOT
            )
        )
        return path

    def start(self, names: list[str]) -> None:
        path = self.configure(names)
        for name in names:
            self.start_node(name)
        user = " user root;" if os.geteuid() == 0 else ""
        assert PROGRAM is not None
        command = [PROGRAM, "-p", str(path.parent), "-c", str(path), "-g", f"daemon off;{user}"]
        with (self.folder / "nginx.log").open("ab") as log:
            self.nginx = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait(lambda: self.get("/readyz").status == 200)

    def start_node(self, name: str) -> None:
        settings = {**os.environ, **self.environment, "BIND": f"unix:{self.socket(name)}", "WORKERS": "1"}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(
                SERVE, cwd=ROOT, env=settings, stdout=log, stderr=log, start_new_session=True
            )
        self.wait(self.socket(name).exists)

    def kill_node(self, name: str) -> None:
        process = self.nodes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for name in list(self.nodes):
            self.kill_node(name)
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait(10)

    def wait(self, happened) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if happened():
                    return
            time.sleep(0.05)
        raise AssertionError(
            self.get("/readyz").body.decode() + "".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, None, **headers)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
