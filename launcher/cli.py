"""The command line behind the Makefile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from launcher import bootstrap, checks, console, drills, run, stack, system_packages, testing
from launcher.console import LaunchError
from launcher.paths import Paths

EXIT_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code: 2 for an unknown command."""
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        console.print_line(f"There is no command {name!r}.\n{HELP_TEXT}")
        return 2
    run.install_signal_handlers()
    paths = Paths.of(Path(__file__).resolve().parents[1])
    return run_with_error_report(lambda: command(paths, rest))


def run_with_error_report(work: Callable[[], int | None]) -> int:
    """Call `work` and return its exit code; print a LaunchError or an OSError in one line and return 1."""
    try:
        return work() or 0
    except LaunchError as error:
        console.print_error(error)
        return 1
    except OSError as error:
        # Read-only, full, not ours: nothing that a traceback would explain better.
        place = f"{error.filename}: " if error.filename else ""
        console.print_error(LaunchError(f"{place}{error.strerror or error}."))
        return 1
    except KeyboardInterrupt:
        console.print_line("\nStopped.")
        return EXIT_INTERRUPTED


def install(paths: Paths, _rest: list[str]) -> int:
    """Run `make install`: the dependencies, for an editor."""
    system_packages.install_missing()
    # With the development tools, since an editor wants types and lint.
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    return 0


HELP_TEXT = """\
make run [PORT=8000]    install what is missing, then run TaskFlow with its own database and cache
make test [ARGS=...]    run all tests on throw-away servers; ARGS is passed to pytest
make check              check lint, types, import contracts, vocabulary, templates, migrations and the API schema
make fix                fix what can be fixed automatically: lint, format, templates, API schema
make stack [PORT=8000]  run the production setup: nginx, three nodes, worker, scheduler and relay (needs nginx)
make drill-NAME         test one guarantee with real processes: mail, stale, limit, revoke, refresh, redis, node,
                        overload, idempotency, headers or timing
make drills [ARGS=...]  run all drills, or those in ARGS="limit stale", and print one table
make bench [ARGS=...]   run the benchmarks and their references (needs nginx and wrk); ARGS=filters: the filters at a
                        million tasks alone
make bench-pages        measure the time and size of the pages at 100,000 tasks, and write docs/page-speed.md (needs nginx)
make lighthouse         run Lighthouse on five pages and write docs/lighthouse.md (needs nginx, npm and chromium)
make screenshots        take a picture of every page, light and dark, wide and on a phone (needs chromium)
make install            only install the dependencies, for an editor

make run uses the servers in DATABASE_URL, REDIS_URL and CELERY_BROKER_URL where these are set.
Data, emails and logs are in var/ (change it with DATA_DIR=/other/folder). HOST=0.0.0.0 accepts connections
from other machines, under this machine's addresses and host names; ALLOWED_HOSTS=name,... sets others."""

COMMANDS: dict[str, Callable[[Paths, list[str]], int | None]] = {
    "run": lambda paths, _rest: run.run(paths),
    "test": testing.run_tests,
    "check": lambda paths, _rest: checks.run_checks(paths),
    "fix": lambda paths, _rest: checks.run_fixes(paths),
    "stack": lambda paths, _rest: stack.run_stack(paths),
    "install": install,
    "drill": drills.run_drill,
    "drills": drills.run_drills,
    "bench": drills.run_benchmarks,
    "bench-pages": lambda paths, rest: drills.run_benchmarks(paths, rest, module="benchmarks.pages"),
    "lighthouse": lambda paths, rest: drills.run_benchmarks(paths, rest, module="benchmarks.lighthouse"),
    "screenshots": lambda paths, _rest: testing.take_screenshots(paths),
    "help": lambda _paths, _rest: console.print_line(HELP_TEXT),
}
