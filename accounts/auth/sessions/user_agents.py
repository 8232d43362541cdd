"""How a device is recognised at the next sign-in."""

from __future__ import annotations


def ip_prefix(address: str | None) -> str:
    """Return the network of an address. A provider changes the last part of an address by itself."""
    return address.rpartition(".")[0] or address if address else ""
