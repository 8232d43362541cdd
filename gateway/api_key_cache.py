"""Claims of API keys, cached per process. Each key is loaded from PostgreSQL once.

Invariant: the cached values of a key never change: its owner, its networks and its latest possible expiry. Whether the
key is active is part of each request check, as for sessions; networks and expiry are compared on each request. Cached
responses belong to a single key. Keys from an IP address that presented unknown keys are not looked up for a while, so
that guessing does not occupy threads.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.clock import current_time
from core.security import api_keys
from core.security.api_keys import PresentedKey
from core.security.claims import ApiKeyClaims

MAX_KEYS, MAX_TRACKED_ADDRESSES = 10_000, 10_000
MAX_FAILED_LOOKUPS, FAILED_LOOKUP_WINDOW = 20, 60.0


@dataclass(frozen=True, slots=True)
class ApiKeyBackend:
    """Interface to the API keys of the application, which the gateway does not know.

    `look_up` reads a key's claims from PostgreSQL. `should_record_use` returns whether its use was not recorded lately,
    and `record_use` records it, by the key's id and the address.
    """

    look_up: Callable[[PresentedKey], ApiKeyClaims | None]
    should_record_use: Callable[[str], bool]
    record_use: Callable[[str, str], None]


NO_API_KEYS = ApiKeyBackend(
    look_up=lambda _presented: None, should_record_use=lambda _key: False, record_use=lambda _key, _address: None
)


class ApiKeyCache:
    def __init__(self, backend: ApiKeyBackend) -> None:
        self.backend = backend
        self.claims: OrderedDict[bytes, ApiKeyClaims] = OrderedDict()
        self.failed_lookups: dict[str, tuple[int, float]] = {}

    def get(self, text: bytes) -> ApiKeyClaims | None:
        """Return the claims that are remembered of this key, active or not."""
        return self.claims.get(_key_digest(text))

    def parse(self, text: bytes, address: str) -> PresentedKey | None:
        """Return the key if it is worth a query; None for a malformed one and for an address that guesses."""
        number, until = self.failed_lookups.get(address, (0, 0.0))
        if number >= MAX_FAILED_LOOKUPS and time.monotonic() < until:
            return None
        return api_keys.parse(text)

    def store(self, text: bytes, address: str, claims: ApiKeyClaims | None) -> None:
        """Remember the result of a query; None counts as a failed lookup of this address."""
        if claims is None:
            now = time.monotonic()
            number, until = self.failed_lookups.get(address, (0, 0.0))
            if len(self.failed_lookups) > MAX_TRACKED_ADDRESSES:
                # Dropped only when the table is full, so that a failure does not cost a pass over all addresses.
                self.failed_lookups = {key: entry for key, entry in self.failed_lookups.items() if entry[1] > now}
            # Each failure extends the window; a blocked address is not looked up, so its window ends.
            self.failed_lookups[address] = (number + 1 if now < until else 1, now + FAILED_LOOKUP_WINDOW)
            return
        self.claims[_key_digest(text)] = claims
        if len(self.claims) > MAX_KEYS:
            # The oldest, not the least recently used: a hit would have to reorder the dictionary, for nothing but a
            # query.
            self.claims.popitem(last=False)


def is_current(claims: ApiKeyClaims, address: str) -> bool:
    return current_time().timestamp() < claims.expires_at and claims.admits(address)


def _key_digest(text: bytes) -> bytes:
    """Return the digest to remember a key by. No key can be read out of the process."""
    return hashlib.blake2b(text, digest_size=16).digest()
