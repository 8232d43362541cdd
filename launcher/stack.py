"""`make stack`: the production setup on one machine, nginx in front of three nodes on Unix sockets."""

from __future__ import annotations

import os
import socket
import time

from launcher import bootstrap, console, nginx, run, system_packages
from launcher.console import LaunchError
from launcher.lock import single_instance_lock
from launcher.paths import Paths
from launcher.supervisor import ProcessSpec, Supervisor

# Two would show load balancing; with three, one can die and another be restarted.
NODE_COUNT = 3


def run_stack(paths: Paths) -> None:
    """Start servers, nodes, nginx and background processes; return on Ctrl-C only."""
    started = time.monotonic()
    host, port = run.bind_address()
    run.require_free_port(host, port)
    if nginx.find_executable() is None:
        system_packages.install_missing()
    if nginx.find_executable() is None:
        raise LaunchError("make stack needs nginx. Install it with: sudo apt-get install nginx")
    bootstrap.ensure_installed(paths, bootstrap.RUNTIME_REQUIREMENTS)
    with single_instance_lock(paths.var / "instance.lock", note=f"http://{host}:{port}"):
        with Supervisor(log=paths.logs / "taskflow.log") as supervisor:
            servers = run.start_servers(supervisor, paths)
            settings = {
                **run.build_environment(paths, servers, host, port, settings="config.settings.stack"),
                "WORKERS": os.environ.get("WORKERS") or "1",
                "NODE_COUNT": str(NODE_COUNT),
                "MAX_CPU_BOUND_REQUESTS": os.environ.get("MAX_CPU_BOUND_REQUESTS")
                or max_cpu_bound_requests(NODE_COUNT),
                "COMPRESS_STATIC": os.environ.get("COMPRESS_STATIC") or "true",
            }
            supervisor.run_to_completion(run.prepare_command(paths, settings), action="Preparing the database")
            console.print_step(f"Starting {NODE_COUNT} nodes, nginx, worker, scheduler and relay")
            sockets = [paths.sockets / f"node-{number}.sock" for number in range(1, NODE_COUNT + 1)]
            for path in sockets:
                supervisor.start(run.web_process(paths, {**settings, "BIND": f"unix:{path}"}, name=path.stem))

            def accept_connections() -> bool:
                for path in sockets:
                    with socket.socket(socket.AF_UNIX) as client:
                        if client.connect_ex(str(path)) != 0:
                            return False
                return True

            supervisor.wait_for(accept_connections, seconds=90, name="The nodes")
            # Started after the nodes; before them it would answer requests with 502.
            folder = paths.var / "nginx"
            config = nginx.write_config(
                root=paths.root,
                folder=folder,
                var=paths.var,
                host=host,
                port=port,
                sockets=sockets,
                access_log="/dev/stdout lines",
            )
            command = nginx.build_command(config)
            supervisor.start(ProcessSpec(name="nginx", command=command, environment=dict(os.environ), folder=folder))
            supervisor.wait_for(run.readiness_probe(host, port), seconds=30, name="TaskFlow")
            supervisor.start(*run.background_processes(paths, settings))
            run.print_welcome(paths, host, port, time.monotonic() - started)
            supervisor.run_forever()


def max_cpu_bound_requests(nodes: int) -> str:
    """Return the setting MAX_CPU_BOUND_REQUESTS of each node.

    With more nodes than processors, one request per node keeps all processors busy.
    """
    return "1" if nodes > (os.cpu_count() or 1) else "2"
