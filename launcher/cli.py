"""The command line behind the Makefile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from launcher import bootstrap, checks, console, drills, run, stack, system_packages, testing
from launcher.console import LaunchError
from launcher.paths import Paths

EXIT_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        console.print_line(f"There is no command {name!r}.\n{HELP_TEXT}")
        return 2
    run.install_signal_handlers()
    paths = Paths.of(Path(__file__).resolve().parents[1])
    return run_with_error_report(lambda: command(paths, rest))


def run_with_error_report(work: Callable[[], int | None]) -> int:
    """Do it, and turn what a person can act on into words and an exit code."""
    try:
        return work() or 0
    except LaunchError as error:
        console.print_error(error)
        return 1
    except KeyboardInterrupt:
        console.dim("\nStopped.")
        return EXIT_INTERRUPTED


def _run(paths: Paths, _rest: list[str]) -> int:
    run.run(paths)
    return 0


def _stack(paths: Paths, _rest: list[str]) -> int:
    stack.run_stack(paths)
    return 0


def _install(paths: Paths, _rest: list[str]) -> int:
    system_packages.install_missing()
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    return 0


def _help(_places: Paths, _rest: list[str]) -> int:
    console.print_line(HELP_TEXT)
    return 0


HELP_TEXT = """\
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
Its data, mail and logs are under var/ (DATA_DIR=/other/folder); HOST=0.0.0.0 lets other machines in."""

COMMANDS: dict[str, Callable[[Paths, list[str]], int]] = {
    "run": _run,
    "test": testing.run_tests,
    "check": lambda paths, _rest: checks.run_checks(paths),
    "fix": lambda paths, _rest: checks.run_fixes(paths),
    "stack": _stack,
    "install": _install,
    "drill": drills.run_drill,
    "bench": drills.run_benchmarks,
    "help": _help,
}
