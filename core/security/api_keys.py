"""API keys as text: `tf_live_<prefix>_<secret>_<checksum>`.

The prefix identifies the key and is no secret. Of the secret (256 random bits) only the SHA-256 is stored, which needs
neither salt nor slowness for so much entropy. The checksum (CRC-32 of what precedes it) shows a typing error, and tells
a scanner for leaked keys what a key is, without the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

from core.security.hashing import sha256_hex

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 12, 43, 6
SCHEME = b"api-key"
_KEY_PATTERN = re.compile(
    rb"(tf_live_([0-9A-Za-z]{%d})_([0-9A-Za-z]{%d}))_([0-9A-Za-z]{%d})\Z"
    % (PREFIX_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH)
)


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as it was presented, with the digest in place of the secret."""

    prefix: str
    digest: str

    def is_for(self, digest: str) -> bool:
        # In constant time: how long it takes must not tell how many characters are right.
        return hmac.compare_digest(self.digest, digest)


def generate() -> tuple[str, PresentedKey]:
    """Return the text of a new key, which is shown once, and its stored form."""
    head = f"tf_live_{_random_string(PREFIX_LENGTH)}_{_random_string(SECRET_LENGTH)}"
    text = f"{head}_{_checksum(head.encode())}"
    key = parse(text.encode())
    assert key is not None
    return text, key


def parse(text: bytes) -> PresentedKey | None:
    """Return the key if format and checksum are valid, else None."""
    match = _KEY_PATTERN.match(text)
    # The checksum needs no database, so a mistyped key costs no query.
    if match is None or _checksum(match[1]).encode() != match[4]:
        return None
    return PresentedKey(match[2].decode(), sha256_hex(match[3]))


def _random_string(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(head: bytes) -> str:
    number, text = zlib.crc32(head), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        text = ALPHABET[digit] + text
    return text
