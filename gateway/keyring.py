"""Whose request it is, by its API key: what a JWT says of itself, PostgreSQL says of a key, once for each process.

Invariant: what is remembered of a key never changes: its owner, its networks, the latest moment of its end. Whether it
lives the check says each time, as of sessions; networks and end are compared each time. What was answered to a key is
kept for that key alone. An address that shows keys which do not exist is not looked up for a while, so guessing keeps
no thread busy.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections

from gateway import api_keys
from gateway.api_keys import Offered
from gateway.identity import Claims

MOST_KEYS, MOST_GUESSERS = 10_000, 10_000
GUESSES, GUESSING_SECONDS = 20, 60.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class KeyClaims(Claims):
    """`session_id` is the key's own id: a key lives and ends as a session does.

    A service account's key has a limit of its own. A person's counts with what else the person asks: who makes many
    keys may not ask more.
    """

    has_own_limit: bool = False
    networks: tuple[Network, ...] = ()

    @property
    def caller(self) -> str:
        return f"key:{self.session_id}" if self.has_own_limit else f"user:{self.user_id}"

    @property
    def reader(self) -> str:
        return f"key:{self.session_id}"

    def admits(self, address: str) -> bool:
        return not self.networks or is_inside(address, self.networks)


def is_inside(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address as `address_of` gives it is in one of them; of IPv6 it holds the /64 only."""
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)


@dataclass(frozen=True, slots=True)
class KeySource:
    """What the gateway, which knows no app, is told about API keys.

    `look_up` asks PostgreSQL whose key it is; `is_due` whether its use was not noted lately, and `note_use` notes it,
    by the key's id and the address.
    """

    look_up: Callable[[Offered], KeyClaims | None]
    is_due: Callable[[str], bool]
    note_use: Callable[[str, str], None]


NO_KEYS = KeySource(look_up=lambda _offered: None, is_due=lambda _key: False, note_use=lambda _key, _address: None)


class Keyring:
    def __init__(self, source: KeySource) -> None:
        self.source = source
        self.known: OrderedDict[bytes, KeyClaims] = OrderedDict()
        self.guessers: dict[str, tuple[int, float]] = {}

    def read(self, text: bytes) -> KeyClaims | None:
        """Return what is remembered of this key, alive or not."""
        return self.known.get(_name(text))

    def offered(self, text: bytes, address: str) -> Offered | None:
        """Return a key that is worth asking PostgreSQL about."""
        number, until = self.guessers.get(address, (0, 0.0))
        if number >= GUESSES and time.monotonic() < until:
            return None
        return api_keys.read(text)

    def learn(self, text: bytes, address: str, found: KeyClaims | None) -> None:
        """Remember what PostgreSQL has said."""
        if found is None:
            self._suspect(address)
            return
        self.known[_name(text)] = found
        if len(self.known) > MOST_KEYS:
            self.known.popitem(last=False)

    def _suspect(self, address: str) -> None:
        now = time.monotonic()
        number, until = self.guessers.get(address, (0, 0.0))
        if len(self.guessers) > MOST_GUESSERS:
            self.guessers = {one: seen for one, seen in self.guessers.items() if seen[1] > now}
        self.guessers[address] = (number + 1 if now < until else 1, now + GUESSING_SECONDS)

    def look_up_in_thread(self, offered: Offered) -> KeyClaims | None:
        """Give the thread's database connection back to the pool, as Django does at the end of a request."""
        try:
            return self.source.look_up(offered)
        finally:
            close_old_connections()

    def note_use_in_thread(self, use: tuple[str, str]) -> None:
        try:
            self.source.note_use(*use)
        finally:
            close_old_connections()


def is_current(claims: KeyClaims, address: str) -> bool:
    return time.time() < claims.expires_at and claims.admits(address)


def _name(text: bytes) -> Any:
    """What a key is remembered under, so that the process holds no key that somebody could read out of it."""
    return hashlib.blake2b(text, digest_size=16).digest()
