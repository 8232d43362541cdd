"""A launcher for tests: supervises the given commands and prints `ready` when its servers are."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from launcher import console, run, servers
from launcher.cli import run_with_error_report
from launcher.lock import single_instance_lock
from launcher.paths import Paths
from launcher.supervisor import ProcessSpec, Supervisor


def run_supervisor(paths: Paths, commands: dict[str, list[str]], *, with_servers: bool) -> None:
    with (
        single_instance_lock(paths.var / "instance.lock", note="under test"),
        Supervisor(log=paths.logs / "taskflow.log") as supervisor,
    ):
        if with_servers:
            specs, urls = servers.persistent_servers(paths)
            supervisor.start(*specs)
            supervisor.wait_for_servers()
            console.print_line(json.dumps(urls))
        for name, command in commands.items():
            supervisor.start(ProcessSpec(name=name, command=command, environment=dict(os.environ), folder=paths.root))
        console.print_line("ready")
        supervisor.run_forever()


def main() -> int:
    root, commands, with_servers = sys.argv[1:]
    paths = Paths.of(Path(root))
    # The tests may run under nohup, and the launcher would then ignore SIGHUP.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    run.install_signal_handlers()
    paths.prepare()
    return run_with_error_report(
        lambda: run_supervisor(paths, json.loads(commands), with_servers=with_servers == "servers")
    )


if __name__ == "__main__":
    sys.exit(main())
