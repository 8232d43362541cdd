"""Static files: where pages load them from, how they are stored, and that anybody may have them."""

from __future__ import annotations

from collections.abc import MutableMapping
from urllib.parse import urlsplit

COMPRESSED_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
UNCOMPRESSED_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def cdn_origins(url: str) -> list[str]:
    """Return the origin of STATIC_URL when it is not our own: a CDN's."""
    parts = urlsplit(url)
    return [f"{parts.scheme or 'https'}://{parts.netloc}"] if parts.netloc else []


def storage_backend(*, compressed: bool) -> str:
    """Return Django's storage: hashed names always, and gzip and brotli beside them."""
    return COMPRESSED_STORAGE if compressed else UNCOMPRESSED_STORAGE


def allow_cross_origin(headers: MutableMapping[str, str], _path: str, _url: str) -> None:
    """A CDN passes the headers on under a name of its own, where `same-origin` would keep the files from our pages."""
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
