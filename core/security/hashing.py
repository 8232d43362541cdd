"""SHA-256 for long random values, which need neither salt nor slowness."""

from __future__ import annotations

import hashlib


def sha256_hex(value: str | bytes) -> str:
    """Return the digest as 64 hexadecimal digits."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
