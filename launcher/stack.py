"""`make stack`: the production shape on one machine, nginx in front of three nodes over Unix sockets."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from launcher import bootstrap, console, front, run, system_packages
from launcher.console import LaunchError
from launcher.lock import only_instance
from launcher.places import Places
from launcher.supervisor import Part, Supervisor

NODES = 3


def start(places: Places) -> None:
    started = time.monotonic()
    host, port = run.address()
    run.refuse_a_taken_port(host, port)
    _require_nginx()
    bootstrap.ready(places, bootstrap.RUN)
    with only_instance(places.var / "instance.lock", note=f"http://{host}:{port}"):
        with Supervisor(log=run.fresh_log(places.logs / "taskflow.log")) as supervisor:
            chosen = run.start_servers(supervisor, places)
            settings = {
                **run.settings_of_parts(places, chosen, host, port),
                "WORKERS": os.environ.get("WORKERS") or "1",
                "NODES": str(NODES),
                "QUICK_REQUESTS": os.environ.get("QUICK_REQUESTS") or quick_requests(NODES),
                "COMPRESS_STATIC": os.environ.get("COMPRESS_STATIC") or "true",
            }
            supervisor.finish(
                run.django(places, settings, "prepare", "prepare", "--demo"), what="Preparing the database"
            )
            console.step(f"Starting {NODES} nodes, worker, scheduler and relay, and nginx before them")
            supervisor.start(*_nodes(places, settings))
            supervisor.wait_for(lambda: all(_accepts(path) for path in _sockets(places)), seconds=90, what="The nodes")
            supervisor.start(_front(places, host, port))
            supervisor.wait_for(run.answers(host, port), seconds=30, what="TaskFlow")
            supervisor.start(*run.background(places, settings))
            run.welcome(places, host, port, time.monotonic() - started)
            supervisor.watch()


def quick_requests(nodes: int) -> str:
    """How many requests compute at once in each: where there are more nodes than processors, one keeps them all busy."""
    return "1" if nodes > (os.cpu_count() or 1) else "2"


def _require_nginx() -> None:
    if front.program() is None:
        system_packages.ensure()
    if front.program() is None:
        raise LaunchError("make stack puts nginx in front of the nodes. Install it with: sudo apt-get install nginx")


def _sockets(places: Places) -> list[Path]:
    return [places.sockets / f"node-{number}.sock" for number in range(1, NODES + 1)]


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _nodes(places: Places, settings: dict[str, str]) -> list[Part]:
    return [run.web(places, {**settings, "BIND": f"unix:{path}"}, name=path.stem) for path in _sockets(places)]


def _front(places: Places, host: str, port: int) -> Part:
    folder = places.var / "nginx"
    path = front.configure(
        root=places.root, folder=folder, var=places.var, host=host, port=port, sockets=_sockets(places)
    )
    return Part(name="nginx", command=front.command(path), environment=dict(os.environ), folder=folder)
