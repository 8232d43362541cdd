"""Whose request it is, by its API key: what a JWT says of itself, PostgreSQL says of a key, once for each process.

Invariant: what is remembered of a key never changes: its owner, its networks, the latest moment of its end. Whether it
lives the check says each time, as of sessions; networks and end are compared each time. What was answered to a key is
kept for that key alone. An address that shows keys which do not exist is not looked up for a while, so guessing keeps
no thread busy.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections

from core.security import api_keys
from core.security.api_keys import PresentedKey
from core.security.claims import ApiKeyClaims

MAX_KEYS, MAX_TRACKED_ADDRESSES = 10_000, 10_000
MAX_FAILED_LOOKUPS, FAILED_LOOKUP_WINDOW = 20, 60.0


@dataclass(frozen=True, slots=True)
class ApiKeyBackend:
    """What the gateway, which knows no app, is told about API keys.

    `look_up` asks PostgreSQL whose key it is; `is_due` whether its use was not noted lately, and `note_use` notes it,
    by the key's id and the address.
    """

    look_up: Callable[[PresentedKey], ApiKeyClaims | None]
    should_record_use: Callable[[str], bool]
    record_use: Callable[[str, str], None]


NO_API_KEYS = ApiKeyBackend(
    look_up=lambda _offered: None, should_record_use=lambda _key: False, record_use=lambda _key, _address: None
)


class ApiKeyCache:
    def __init__(self, source: ApiKeyBackend) -> None:
        self.source = source
        self.cached: OrderedDict[bytes, ApiKeyClaims] = OrderedDict()
        self.failed_lookups: dict[str, tuple[int, float]] = {}

    def read(self, text: bytes) -> ApiKeyClaims | None:
        """Return what is remembered of this key, alive or not."""
        return self.cached.get(_key_digest(text))

    def offered(self, text: bytes, address: str) -> PresentedKey | None:
        """Return a key that is worth asking PostgreSQL about."""
        number, until = self.failed_lookups.get(address, (0, 0.0))
        if number >= MAX_FAILED_LOOKUPS and time.monotonic() < until:
            return None
        return api_keys.parse(text)

    def store(self, text: bytes, address: str, found: ApiKeyClaims | None) -> None:
        """Remember what PostgreSQL has said."""
        if found is None:
            self._record_failure(address)
            return
        self.cached[_key_digest(text)] = found
        if len(self.cached) > MAX_KEYS:
            self.cached.popitem(last=False)

    def _record_failure(self, address: str) -> None:
        now = time.monotonic()
        number, until = self.failed_lookups.get(address, (0, 0.0))
        if len(self.failed_lookups) > MAX_TRACKED_ADDRESSES:
            self.failed_lookups = {one: seen for one, seen in self.failed_lookups.items() if seen[1] > now}
        self.failed_lookups[address] = (number + 1 if now < until else 1, now + FAILED_LOOKUP_WINDOW)

    def look_up_in_thread(self, offered: PresentedKey) -> ApiKeyClaims | None:
        """Give the thread's database connection back to the pool, as Django does at the end of a request."""
        try:
            return self.source.look_up(offered)
        finally:
            close_old_connections()

    def record_use_in_thread(self, use: tuple[str, str]) -> None:
        try:
            self.source.record_use(*use)
        finally:
            close_old_connections()


def is_current(claims: ApiKeyClaims, address: str) -> bool:
    return time.time() < claims.expires_at and claims.admits(address)


def _key_digest(text: bytes) -> Any:
    """What a key is remembered under, so that the process holds no key that somebody could read out of it."""
    return hashlib.blake2b(text, digest_size=16).digest()
