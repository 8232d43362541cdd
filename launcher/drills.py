"""`make drill-<name>` and `make bench`: guarantees and figures, on throw-away servers."""

from __future__ import annotations

from launcher import bootstrap, environment, system_packages
from launcher.paths import Paths
from launcher.testing import run_in_foreground, throwaway_servers


def run_benchmarks(paths: Paths, arguments: list[str]) -> int:
    """`make bench [ARGS="--sizes 10000"]`: the figures, beside references measured in the same run."""
    system_packages.require_packages(system_packages.BENCHMARK_PACKAGES)
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    settings = environment.base_environment(paths, settings="config.settings.dev")
    return run_in_foreground([str(paths.python), "-m", "benchmarks", *arguments], paths, settings)


def run_drill(paths: Paths, arguments: list[str]) -> int:
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as settings:
        command = [str(paths.python), "-m", "drills", *arguments]
        return run_in_foreground(command, paths, {**settings, "DJANGO_SETTINGS_MODULE": "config.settings.dev"})
