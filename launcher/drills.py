"""`make drill-<name>` and `make bench`: guarantees and figures, on throw-away servers."""

from __future__ import annotations

from launcher import bootstrap, environment, system_packages
from launcher.places import Places
from launcher.testing import in_foreground, throwaway_servers


def bench(places: Places, arguments: list[str]) -> int:
    """`make bench [ARGS="--sizes 10000"]`: the figures, beside references measured in the same run."""
    system_packages.require(system_packages.FOR_BENCHMARKS)
    bootstrap.ready(places, bootstrap.DEVELOP)
    settings = environment.common(places, settings="config.settings.dev")
    return in_foreground([str(places.python), "-m", "benchmarks", *arguments], places, settings)


def drill(places: Places, arguments: list[str]) -> int:
    bootstrap.ready(places, bootstrap.DEVELOP)
    with throwaway_servers(places) as settings:
        command = [str(places.python), "-m", "drills", *arguments]
        return in_foreground(command, places, {**settings, "DJANGO_SETTINGS_MODULE": "config.settings.dev"})
