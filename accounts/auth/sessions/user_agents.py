"""What a device is called in words, from the User-Agent it sends: for people who ask themselves whether it is theirs."""

from __future__ import annotations

import hashlib
import re

# The first that is found: what comes later in a list pretends to be what comes earlier in none.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
OPERATING_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
PRODUCT_TOKEN = re.compile(r"[A-Za-z][\w .+-]{0,38}")
UNKNOWN_DEVICE = "Unknown device"


def describe(user_agent: str) -> str:
    """Return `Firefox on Linux` for a browser, the program's own name for another (`curl`), without versions."""
    browser = _first_match(BROWSERS, user_agent) if "Mozilla/" in user_agent else ""
    system = _first_match(OPERATING_SYSTEMS, user_agent)
    if browser:
        return f"{browser} on {system}" if system else browser
    if system and "Mozilla/" in user_agent:
        return f"Browser on {system}"
    program = PRODUCT_TOKEN.match(user_agent.split("/", 1)[0])
    return program[0].strip() if program else UNKNOWN_DEVICE


def _first_match(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in names if sign in user_agent), "")


def ip_prefix(address: str | None) -> str:
    """Return the network that somebody calls from: a provider changes the last part of an address by itself."""
    return address.rpartition(".")[0] or address if address else ""


def sha256_hex(text: str) -> str:
    """What is kept of what a device is recognised by."""
    return hashlib.sha256(text.encode()).hexdigest()
