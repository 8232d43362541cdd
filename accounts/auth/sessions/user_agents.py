"""How a device is recognised at the next sign-in."""

from __future__ import annotations

import hashlib


def ip_prefix(address: str | None) -> str:
    """Return the network that somebody calls from: a provider changes the last part of an address by itself."""
    return address.rpartition(".")[0] or address if address else ""


def sha256_hex(text: str) -> str:
    """What is kept of what a device is recognised by."""
    return hashlib.sha256(text.encode()).hexdigest()
