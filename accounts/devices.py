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
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
PROGRAM = re.compile(r"[A-Za-z][\w .+-]{0,38}")
UNKNOWN = "Unknown device"


def name_of(user_agent: str) -> str:
    """Return `Firefox on Linux` for a browser, the program's own name for another (`curl`), without versions."""
    browser = _first(BROWSERS, user_agent) if "Mozilla/" in user_agent else ""
    system = _first(SYSTEMS, user_agent)
    if browser:
        return f"{browser} on {system}" if system else browser
    if system and "Mozilla/" in user_agent:
        return f"Browser on {system}"
    program = PROGRAM.match(user_agent.split("/", 1)[0])
    return program[0].strip() if program else UNKNOWN


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in names if sign in user_agent), "")


def network_of(address: str | None) -> str:
    """Return the network that somebody calls from: a provider changes the last part of an address by itself."""
    return address.rpartition(".")[0] or address if address else ""


def digest(text: str) -> str:
    """What is kept of what a device is recognised by."""
    return hashlib.sha256(text.encode()).hexdigest()
