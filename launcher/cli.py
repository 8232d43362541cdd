"""The command line behind the Makefile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from launcher import bootstrap, checks, console, drills, run, stack, system_packages, testing
from launcher.console import LaunchError
from launcher.places import Places

INTERRUPTED = 130


def command_line(arguments: list[str]) -> int:
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        console.say(f"There is no command {name!r}.\n{HELP}")
        return 2
    run.stop_on_signals()
    places = Places.of(Path(__file__).resolve().parents[1])
    return guarded(lambda: command(places, rest))


def guarded(work: Callable[[], int | None]) -> int:
    """Do it, and turn what a person can act on into words and an exit code."""
    try:
        return work() or 0
    except LaunchError as error:
        console.explain(error)
        return 1
    except KeyboardInterrupt:
        console.whisper("\nStopped.")
        return INTERRUPTED


def _run(places: Places, _rest: list[str]) -> int:
    run.run(places)
    return 0


def _stack(places: Places, _rest: list[str]) -> int:
    stack.start(places)
    return 0


def _install(places: Places, _rest: list[str]) -> int:
    system_packages.ensure()
    bootstrap.ready(places, bootstrap.DEVELOP)
    return 0


def _help(_places: Places, _rest: list[str]) -> int:
    console.say(HELP)
    return 0


HELP = """\
make run [PORT=8000]   install what is missing, then run TaskFlow with its own database and cache
make test [ARGS=...]   run all tests on throw-away servers; ARGS goes to pytest
make check             lint, types, import contracts, templates, migrations, schema
make fix               repair what can be repaired
make stack [PORT=8000] the production shape: nginx, three nodes, worker, scheduler, relay (needs nginx)
make drill-NAME        prove one guarantee with real processes: mail stale limit revoke refresh redis node overload
                       idempotency headers timing
make bench             measure, beside references in the same run (needs wrk)
make install           only install, for an editor

make run uses DATABASE_URL, REDIS_URL and CELERY_BROKER_URL instead of its own servers where they are set.
Its data, mail and logs are under var/ (TASKFLOW_VAR=/other/folder); HOST=0.0.0.0 lets other machines in."""

COMMANDS: dict[str, Callable[[Places, list[str]], int]] = {
    "run": _run,
    "test": testing.test,
    "check": lambda places, _rest: checks.check(places),
    "fix": lambda places, _rest: checks.fix(places),
    "stack": _stack,
    "install": _install,
    "drill": drills.drill,
    "bench": drills.bench,
    "help": _help,
}
