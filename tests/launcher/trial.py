"""A launcher on trial: a process that supervises what it is told, and prints `ready` when its servers are."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from launcher import console, run, servers
from launcher.cli import guarded
from launcher.lock import only_instance
from launcher.places import Places
from launcher.supervisor import Part, Supervisor


def supervise(places: Places, commands: dict[str, list[str]], *, with_servers: bool) -> None:
    with (
        only_instance(places.var / "instance.lock", note="on trial"),
        Supervisor(log=places.logs / "taskflow.log") as supervisor,
    ):
        if with_servers:
            chosen = servers.for_running(places)
            supervisor.start(*chosen.parts)
            supervisor.wait_for_servers()
            console.say(json.dumps(chosen.environment))
        for name, command in commands.items():
            supervisor.start(Part(name=name, command=command, environment=dict(os.environ), folder=places.root))
        console.say("ready")
        supervisor.watch()


def main() -> int:
    root, commands, with_servers = sys.argv[1:]
    places = Places.of(Path(root))
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # the suite itself may run under nohup, which the launcher would respect
    run.stop_on_signals()
    places.prepare()
    return guarded(lambda: supervise(places, json.loads(commands), with_servers=with_servers == "servers"))


if __name__ == "__main__":
    sys.exit(main())
