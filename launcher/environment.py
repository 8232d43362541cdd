"""Environment variables of the started processes; variables that the user has set take precedence."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from launcher.paths import Paths

SECRET_NAMES = ("SECRET_KEY", "JWT_SIGNING_KEY")


def base_environment(paths: Paths, *, settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", settings),
        "DATA_DIR": str(paths.var),
        # Lines would reach the terminal in blocks of 8 kB otherwise.
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": str(paths.venv),
        "PATH": os.pathsep.join([str(paths.venv / "bin"), os.environ.get("PATH", os.defpath)]),
    }


def with_secret_keys(paths: Paths, environment: Mapping[str, str]) -> dict[str, str]:
    """Add the secret keys that the user has not set. They are stored, so that sessions survive a restart."""
    missing = [name for name in SECRET_NAMES if not os.environ.get(name) and not os.environ.get(f"{name}_FILE")]
    keys = {}
    for name in missing:
        path = paths.var / "secrets" / name
        try:
            # Created with its mode: a file that is made private afterwards can be read in between.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            keys[name] = path.read_text().strip()
            if keys[name]:
                continue
            descriptor = os.open(path, os.O_WRONLY)  # an earlier start was killed before it wrote the key
        keys[name] = secrets.token_urlsafe(48)
        with os.fdopen(descriptor, "w") as file:
            file.write(keys[name])
    return {**environment, **keys}
