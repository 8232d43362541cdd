"""`make drill-<name>` and `make bench`."""

from __future__ import annotations

from launcher import bootstrap, environment, system_packages
from launcher.paths import Paths
from launcher.testing import run_in_foreground, throwaway_servers


def run_benchmarks(paths: Paths, arguments: list[str]) -> int:
    """Run `make bench [ARGS="--sizes 10000"]`, on servers of its own."""
    system_packages.require_packages(system_packages.BENCHMARK_PACKAGES)
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    settings = environment.base_environment(paths, settings="config.settings.dev")
    return run_in_foreground([str(paths.python), "-m", "benchmarks", *arguments], paths, settings)


def run_drill(paths: Paths, arguments: list[str]) -> int:
    """Run `make drill-<name>` on throw-away servers; `arguments` are the name and the drill's own parameters."""
    bootstrap.ensure_installed(paths, bootstrap.DEV_REQUIREMENTS)
    with throwaway_servers(paths) as settings:
        command = [str(paths.python), "-m", "drills", *arguments]
        return run_in_foreground(command, paths, {**settings, "DJANGO_SETTINGS_MODULE": "config.settings.dev"})
