"""Readable device names from User-Agent headers (RFC 9110, section 10.1.5)."""

from __future__ import annotations

import re

# The first match counts: Edge also claims to be Chrome and Safari, Chrome claims to be Safari.
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


def describe_user_agent(user_agent: str) -> str:
    """Return `Firefox on Linux` for a browser, the program's name (`curl`) otherwise, without versions."""
    is_browser = "Mozilla/" in user_agent
    browser = next((name for sign, name in BROWSERS if is_browser and sign in user_agent), "")
    system = next((name for sign, name in OPERATING_SYSTEMS if sign in user_agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    if system and is_browser:
        return f"Browser on {system}"
    program = PRODUCT_TOKEN.match(user_agent.split("/", 1)[0])
    return program[0].strip() if program else UNKNOWN_DEVICE
