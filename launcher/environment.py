"""What the parts are told: settings come from the environment, and what the person set wins."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from launcher.paths import Paths

SECRET_NAMES = ("SECRET_KEY", "JWT_SIGNING_KEY")


def base_environment(paths: Paths, *, settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", settings),
        "DATA_DIR": str(paths.var),
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": str(paths.venv),
        "PATH": os.pathsep.join([str(paths.venv / "bin"), os.environ.get("PATH", os.defpath)]),
    }


def with_secret_keys(paths: Paths, environment: Mapping[str, str]) -> dict[str, str]:
    """Add the signing keys: the person's own, else ones that are made once and kept, so that sign-ins outlive a restart."""
    keys = {name: _load_or_create_key(paths.var / "secrets" / name) for name in SECRET_NAMES if not _is_set(name)}
    return {**environment, **keys}


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _load_or_create_key(path: Path) -> str:
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
