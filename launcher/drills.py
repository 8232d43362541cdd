"""`make drill-<name>`: one guarantee, on throw-away servers."""

from __future__ import annotations

from launcher import bootstrap
from launcher.places import Places
from launcher.testing import in_foreground, throwaway_servers


def drill(places: Places, arguments: list[str]) -> int:
    bootstrap.ready(places, bootstrap.DEVELOP)
    with throwaway_servers(places) as settings:
        command = [str(places.python), "-m", "drills", *arguments]
        return in_foreground(command, places, {**settings, "DJANGO_SETTINGS_MODULE": "config.settings.dev"})
