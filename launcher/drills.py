"""`make drill-<name>`, `make drills`, `make bench`, `make bench-pages` and `make lighthouse`."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from launcher import bootstrap, console, environment, system_packages
from launcher.console import LaunchError
from launcher.paths import Paths
from launcher.testing import run_in_foreground, throwaway_servers


def run_benchmarks(paths: Paths, arguments: list[str], *, module: str = "benchmarks") -> int:
    """Run `make bench [ARGS="--sizes 10000"]`, `make bench-pages` or `make lighthouse`, on servers of its own."""
    system_packages.require_packages(system_packages.BENCHMARK_PACKAGES)
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    settings = environment.base_environment(paths, settings="config.settings.dev")
    return run_in_foreground([str(paths.python), "-m", module, *arguments], paths, settings)


def run_drill(paths: Paths, arguments: list[str], *, report: Path | None = None) -> int:
    """Run `make drill-<name>` on throw-away servers; `arguments` are the name and the drill's own parameters.

    `report` is the file into which the drill writes its checks as JSON: a list of [figure, bound, held].
    """
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as servers:
        settings = {**servers, "DJANGO_SETTINGS_MODULE": "config.settings.dev"}
        if report is not None:
            settings["DRILL_REPORT"] = str(report)
        return run_in_foreground([str(paths.python), "-m", "drills", *arguments], paths, settings)


def run_drills(paths: Paths, names: list[str]) -> int:
    """Run `make drills [ARGS="limit stale"]`: one after the other, then one table. Returns 1 unless all hold."""
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    # Asked of the package, because the launcher itself must not import what needs Django.
    command = [str(paths.python), "-m", "drills", "--list"]
    known = subprocess.run(command, cwd=paths.root, capture_output=True, text=True, check=True).stdout.split()
    if unknown := [name for name in names if name not in known]:
        raise LaunchError(f"There is no drill {unknown[0]!r}. The drills are: {', '.join(known)}.")
    rows, held = [("drill", "figure", "bound", "held")], True
    with tempfile.TemporaryDirectory(prefix="taskflow-drills-") as folder:
        for name in names or known:
            console.print_step(f"Drill {name}")
            report = Path(folder) / f"{name}.json"
            # Each on fresh servers, as `make drill-<name>`: one drill's rows and faults must not reach the next.
            code = run_drill(paths, [name], report=report)
            checks = json.loads(report.read_text()) if report.exists() else []
            if code and all(holds for _, _, holds in checks):
                checks.append(("cannot run on this machine" if code == 2 else "ended with an error", "", False))
            rows += [(name, figure, bound, "yes" if holds else "NO") for figure, bound, holds in checks]
            held = held and code == 0
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console.print_line()
    for row in rows:
        console.print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0 if held else 1
