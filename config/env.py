"""Settings come from the environment: `NAME`, or `NAME_FILE` with the path of a file that holds the value."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_MISSING: Any = object()


def text(name: str, default: str = _MISSING) -> str:
    """Return a setting; a missing one without default, or an unreadable `NAME_FILE`, stops the start."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    value = os.environ.get(name, "")
    if value:
        return value
    if default is _MISSING:
        raise ImproperlyConfigured(f"{name} is not set. Set it (or {name}_FILE); .env.example explains each setting.")
    return default


def boolean(name: str, default: bool) -> bool:
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
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def csv(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def origins(name: str) -> frozenset[str]:
    """Return origins (`https://app.example.com`, `http://localhost:3000`), each as a browser writes it."""
    found = csv(name)
    for origin in found:
        url = urlsplit(origin)
        if url.scheme not in {"http", "https"} or f"{url.scheme}://{url.netloc}" != origin or "*" in origin:
            raise ImproperlyConfigured(f"{name} must hold origins like https://app.example.com, not {origin!r}.")
    return frozenset(found)


def url(name: str) -> str:
    """Return an address to ask, ending in a slash, or nothing: over TLS, or on this machine."""
    found = text(name, "")
    if found and not _is_valid_url(found):
        raise ImproperlyConfigured(f"{name} must be an https:// address without a name, a query or a fragment.")
    return found and found.rstrip("/") + "/"


def _is_valid_url(found: str) -> bool:
    try:
        url = urlsplit(found)
        is_local = url.scheme == "http" and url.hostname in {"127.0.0.1", "localhost", "::1"}
        is_plain = re.fullmatch(r"[!$->A-~]+", found) is not None  # no space, no query, no fragment, nobody's name
        return (url.scheme == "https" or is_local) and bool(url.hostname) and is_plain and url.port != 0
    except ValueError:  # a port, or brackets, that are none
        return False


def database(name: str, default: str = _MISSING) -> dict[str, Any]:
    """Return Django's settings for `postgresql://user:password@host:port/name?host=/socket/folder&...`."""
    url = urlsplit(text(name, default))
    if url.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"{name} must be a postgresql:// address.")
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
