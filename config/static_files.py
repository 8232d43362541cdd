"""Static files: CDN origins, storage backends and response headers."""

from __future__ import annotations

from collections.abc import MutableMapping
from urllib.parse import urlsplit

# Compressed once at the build, because compressing at request time costs more than sending.
COMPRESSED_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
UNCOMPRESSED_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def cdn_origins(url: str) -> list[str]:
    """Return the origin of STATIC_URL if it is a CDN, else nothing."""
    parts = urlsplit(url)
    # A URL without a scheme (//cdn.example.com/) means that of the page; production is https.
    return [f"{parts.scheme or 'https'}://{parts.netloc}"] if parts.netloc else []


def storage_backend(*, compressed: bool) -> str:
    """Return the storage class: always with hashed names, optionally with gzip and Brotli variants."""
    return COMPRESSED_STORAGE if compressed else UNCOMPRESSED_STORAGE


def allow_cross_origin(headers: MutableMapping[str, str], _path: str, _url: str) -> None:
    """Let pages load static files from a CDN's origin: the CDN passes this header on."""
    # The header of all other responses is same-origin, with which a browser would discard the file.
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
