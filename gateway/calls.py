"""One request as the gateway sees it: who asks, for what, and whether its answer may be kept.

Invariant: whatever Django could read in another way than the gateway (an escaped word, a second host, a tab before
the token) is read here as Django reads it, or refused.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from core.cache import AS_OF
from core.logging import REQUEST_ID
from gateway.api_keys import SCHEME as API_KEY
from gateway.bodies import Receive, Scope, Send
from gateway.compression import chosen
from gateway.headers import address_of
from gateway.identity import Claims, Tokens

KEPT_PATHS = re.compile(r"/api/v1/(?:me/|projects/|tasks/(?:[A-Za-z0-9-]+/)?)\Z", re.ASCII)
# What is overdue and how old things are changes by itself: good for the minute it was counted in.
OF_THE_MINUTE = "/api/v1/tasks/stats/"
FRESH = 0.5
CONDITIONS = {b"if-match", b"if-unmodified-since"}


@dataclass(slots=True)
class Call:
    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]
    claims: Claims | None
    started: float
    request_id: str
    as_of: str = ""
    judged: float = 0.0
    url: str = ""
    may_be_kept: bool = False
    key: bytes = b""

    def __post_init__(self) -> None:
        self.may_be_kept = self._may_be_kept()
        if self.may_be_kept:
            self.url = self._url()

    def belongs_to(self, claims: Claims) -> None:
        self.claims = claims
        self.__post_init__()

    def _url(self) -> str:
        """What distinguishes one kept answer of a caller from another."""
        path, query = self.scope["path"], self.scope["query_string"].decode("latin-1")
        minute = this_minute() if self.is_of_the_minute else ""
        return f"{self.text(b'host')} {path}?{query} {self.text(b'accept')} {self.encoding} {minute}"

    @property
    def is_of_the_minute(self) -> bool:
        return bool(self.scope["path"] == OF_THE_MINUTE)

    def _may_be_kept(self) -> bool:
        """A read whose answer depends on the caller, the rows and nothing else: not on the moment, not on a condition."""
        if self.claims is None or self.scope["method"] != "GET" or not KEPT_PATHS.match(self.scope["path"]):
            return False
        if b"no-store" in self.headers.get(b"cache-control", b"").lower():
            return False  # RFC 9111, section 5.2.1.5
        return self.headers.keys().isdisjoint(CONDITIONS) and not _asks_the_clock(self.scope["query_string"])

    def named_scope(self) -> Scope:
        """The request with the id that it is logged under, for Django."""
        others = [pair for pair in self.scope["headers"] if pair[0] != b"x-request-id"]
        named = [*others, (b"x-request-id", self.request_id.encode())]
        # One whose body or turn was long in coming is looked up anew.
        is_fresh = self.as_of and time.perf_counter() - self.judged < FRESH
        return {**self.scope, "headers": named, **({AS_OF: self.as_of} if is_fresh else {})}

    def text(self, header: bytes) -> str:
        return self.headers.get(header, b"").decode("latin-1")

    @property
    def encoding(self) -> str:
        """The one that Django would compress the answer with; empty for none."""
        return chosen(self.text(b"accept-encoding"))

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return address_of(client[0] if client else "", self.text(b"x-forwarded-for"))

    @property
    def names_two_hosts(self) -> bool:
        """RFC 9112, section 3.2. Of two, the memory would read the last one and Django both."""
        return bool(sum(name == b"host" for name, _ in self.scope["headers"]) > 1)

    @property
    def is_preflight(self) -> bool:
        return self.scope["method"] == "OPTIONS" and b"access-control-request-method" in self.headers


def this_minute() -> int:
    return int(time.time() // 60)


def _asks_the_clock(query: bytes) -> bool:
    """Django reads `%6Fverdue` as `overdue`, so whatever is escaped is unescaped first."""
    return b"overdue" in (unquote_to_bytes(query) if b"%" in query else query)


def call_of(scope: Scope, receive: Receive, send: Send, tokens: Tokens) -> Call:
    headers = dict(scope["headers"])
    offered = headers.get(b"x-request-id", b"").decode("latin-1")
    words = headers.get(b"authorization", b"").split()  # as BearerAuthentication does: a tab is a space to it
    scheme = words[0].lower() if len(words) == 2 else b""
    claims = tokens.read(words[1]) if scheme == b"bearer" else None
    key = words[1] if scheme == API_KEY else b""
    request_id = offered if REQUEST_ID.match(offered) else os.urandom(16).hex()
    return Call(scope, receive, send, headers, claims, time.perf_counter(), request_id, key=key)
