"""What the parts are told: settings come from the environment, and what the person set wins."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from launcher.places import Places

KEYS = ("SECRET_KEY", "JWT_SIGNING_KEY")


def common(places: Places, *, settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", settings),
        "TASKFLOW_VAR": str(places.var),
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": str(places.venv),
        "PATH": os.pathsep.join([str(places.venv / "bin"), os.environ.get("PATH", os.defpath)]),
    }


def with_keys(places: Places, environment: Mapping[str, str]) -> dict[str, str]:
    """Add the signing keys: the person's own, else ones that are made once and kept, so that sign-ins outlive a restart."""
    keys = {name: _kept_key(places.var / "secrets" / name) for name in KEYS if not _is_set(name)}
    return {**environment, **keys}


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _kept_key(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_text().strip()
        if found:
            return found
        descriptor = os.open(path, os.O_WRONLY)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text()
