"""Read settings from the environment: `NAME`, or `NAME_FILE` with the path of a file that holds the value.

Each function raises ImproperlyConfigured for an invalid value, so that the process does not start with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_MISSING: Any = object()


def text(name: str, default: str = _MISSING) -> str:
    """Return a setting as text; raises ImproperlyConfigured if it is missing and has no default."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    # Empty is the same as missing: Compose passes an unset variable on as an empty one.
    value = os.environ.get(name, "")
    if value:
        return value
    if default is _MISSING:
        raise ImproperlyConfigured(f"{name} is not set. Set it (or {name}_FILE); .env.example explains each setting.")
    return default


def boolean(name: str, default: bool) -> bool:
    """Return true or false, in any case, or 1 or 0."""
    value = text(name, str(default)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1"}


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from error


def choice(name: str, default: str, choices: Collection[str]) -> str:
    """Return one of the choices."""
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def csv(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list, without empty parts."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def origins(name: str) -> frozenset[str]:
    """Return origins (`https://app.example.com`), each exactly as a browser sends it in the Origin header."""
    values = csv(name)
    for origin in values:
        url = urlsplit(origin)
        # A browser sends scheme, host and port and nothing else, so a path or slash would never match.
        if url.scheme not in {"http", "https"} or f"{url.scheme}://{url.netloc}" != origin or "*" in origin:
            raise ImproperlyConfigured(f"{name} must hold origins like https://app.example.com, not {origin!r}.")
    return frozenset(values)


def url(name: str) -> str:
    """Return the base URL of a service, ending in a slash, or an empty string; http:// only for this machine."""
    value = text(name, "")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        is_local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
        is_plain = re.fullmatch(r"[!$->A-~]+", value) is not None  # no space, ?, #, or @ of a user name
        is_valid = (parts.scheme == "https" or is_local) and bool(parts.hostname) and is_plain and parts.port != 0
    except ValueError:  # urlsplit and .port raise it for an invalid port or bracket
        is_valid = False
    if not is_valid:
        # The value is not repeated: it may hold a password.
        raise ImproperlyConfigured(f"{name} must be an https:// URL without user name, query or fragment.")
    return value.rstrip("/") + "/"


def database(name: str, default: str = _MISSING) -> dict[str, Any]:
    """Return the DATABASES entry for `postgresql://user:password@host:port/name?host=/socket/folder&...`."""
    url = _split_server_url(name, text(name, default), ("postgresql", "postgres"))
    # What remains goes to libpq: sslmode, sslrootcert, application_name and the like.
    query = dict(parse_qsl(url.query))
    return {
        "ENGINE": "core.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or query.pop("user", "")),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or query.pop("host", ""),
        "PORT": str(url.port or query.pop("port", "")),
        "OPTIONS": query,
    }


def server(name: str, default: str, schemes: Collection[str]) -> str:
    """Return the URL of a server such as Redis, as it is; its scheme must be one of `schemes`."""
    value = text(name, default)
    _split_server_url(name, value, schemes)
    return value


def _split_server_url(name: str, value: str, schemes: Collection[str]) -> SplitResult:
    """Return the parts of a URL with a password. No error repeats any of it."""
    if value.partition("://")[0] not in schemes:
        raise ImproperlyConfigured(f"{name} must be a {next(iter(schemes))}:// URL.")
    try:
        url = urlsplit(value)
        is_valid = url.port != 0
    except ValueError:  # for a port that is no number, or a bracket
        is_valid = False
    else:
        # After an unescaped # / or ? of a password the rest of it, up to the @, counts as something else. A % that escapes
        # nothing was not escaped itself; urlsplit leaves out line breaks without a word.
        swallowed = "@" in url.path or (not url.path and "@" in url.query)
        is_valid = is_valid and not url.fragment and not swallowed and "#" not in value
        is_valid = is_valid and re.search(r"[\s\x00-\x1f]|%(?![0-9A-Fa-f]{2})", value) is None
    if not is_valid:
        message = f"{name} is not a valid URL. Percent-encode special characters of its password: # as %23, / as %2F, % as %25."
        raise ImproperlyConfigured(message)
    return url
