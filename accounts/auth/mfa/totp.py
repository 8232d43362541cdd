"""Time-based one-time passwords (RFC 6238) as all authenticator apps have them: SHA-1, six digits, 30 seconds."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

PERIOD = 30
DIGITS = 6
ISSUER = "TaskFlow"


def generate_secret() -> str:
    """Return 160 random bits in base 32, as long as RFC 4226 recommends."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at_step(secret: str, step: int) -> str:
    """Return the HOTP value of a counter (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret.encode(), casefold=True), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_steps(secret: str, code: str, now: datetime) -> list[int]:
    """Return the time steps with this code, among the present one and its two neighbours."""
    code = re.sub(r"[\s-]", "", code)
    step = int(now.timestamp()) // PERIOD
    steps = (step - 1, step, step + 1)
    return [item for item in steps if hmac.compare_digest(code.encode(), code_at_step(secret, item).encode())]


def provisioning_uri(email: str, secret: str) -> str:
    """Return the `otpauth://` URI that an app reads from the QR code."""
    label = quote(f"{ISSUER}:{email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER}, quote_via=quote)}"
