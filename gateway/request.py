"""One request as the gateway sees it: who asks, for what, and whether its answer may be kept.

Invariant: whatever Django could read in another way than the gateway (an escaped word, a second host, a tab before
the token) is read here as Django reads it, or refused.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from core.api.endpoints import Endpoint
from core.api.routes import RouteTable
from core.cache import GLOBAL_GENERATION_KEY
from core.http.client_ip import resolve_client_ip
from core.http.compression import negotiate_encoding
from core.logging import REQUEST_ID
from core.security.api_keys import SCHEME as API_KEY
from core.security.claims import Claims
from gateway.jwt_cache import JwtCache
from gateway.request_body import Receive, Scope, Send

MAX_GENERATION_AGE = 0.5
PRECONDITION_HEADERS = {b"if-match", b"if-unmodified-since"}


@dataclass(slots=True)
class GatewayRequest:
    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]
    endpoint: Endpoint
    claims: Claims | None
    started: float
    request_id: str
    global_generation: str = ""
    evaluated_at: float = 0.0
    url: str = ""
    is_cacheable: bool = False
    key: bytes = b""

    def __post_init__(self) -> None:
        self.is_cacheable = self._is_cacheable()
        if self.is_cacheable:
            self.url = self._url()

    def authenticate_as(self, claims: Claims) -> None:
        self.claims = claims
        self.__post_init__()

    def _url(self) -> str:
        """What distinguishes one kept answer of a caller from another."""
        path, query = self.scope["path"], self.scope["query_string"].decode("latin-1")
        minute = current_minute() if self.endpoint.cache_for_one_minute else ""
        return f"{self.text(b'host')} {path}?{query} {self.text(b'accept')} {self.encoding} {minute}"

    def _is_cacheable(self) -> bool:
        """A read whose answer depends on the caller, the rows and nothing else: not on the moment, not on a condition."""
        if self.claims is None or self.scope["method"] != "GET" or not self.endpoint.cacheable:
            return False
        if b"no-store" in self.headers.get(b"cache-control", b"").lower():
            return False  # RFC 9111, section 5.2.1.5
        if not self.headers.keys().isdisjoint(PRECONDITION_HEADERS):
            return False
        # Django reads `%6Fverdue` as `overdue`, so the query is unescaped first.
        query = unquote_to_bytes(self.scope["query_string"])
        return not any(name.encode() in query for name in self.endpoint.uncacheable_params)

    def scope_with_request_id(self) -> Scope:
        """The request with the id that it is logged under, for Django."""
        others = [pair for pair in self.scope["headers"] if pair[0] != b"x-request-id"]
        named = [*others, (b"x-request-id", self.request_id.encode())]
        # One whose body or turn was long in coming is looked up anew.
        is_fresh = self.global_generation and time.perf_counter() - self.evaluated_at < MAX_GENERATION_AGE
        return {**self.scope, "headers": named, **({GLOBAL_GENERATION_KEY: self.global_generation} if is_fresh else {})}

    def text(self, header: bytes) -> str:
        return self.headers.get(header, b"").decode("latin-1")

    @property
    def encoding(self) -> str:
        """The one that Django would compress the answer with; empty for none."""
        return negotiate_encoding(self.text(b"accept-encoding"))

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return resolve_client_ip(client[0] if client else "", self.text(b"x-forwarded-for"))

    @property
    def has_duplicate_host(self) -> bool:
        """RFC 9112, section 3.2. Of two, the memory would read the last one and Django both."""
        return bool(sum(name == b"host" for name, _ in self.scope["headers"]) > 1)

    @property
    def is_preflight(self) -> bool:
        return self.scope["method"] == "OPTIONS" and b"access-control-request-method" in self.headers


def current_minute() -> int:
    return int(time.time() // 60)


def parse_request(
    scope: Scope, receive: Receive, send: Send, *, tokens: JwtCache, routes: RouteTable
) -> GatewayRequest:
    headers = dict(scope["headers"])
    offered = headers.get(b"x-request-id", b"").decode("latin-1")
    words = headers.get(b"authorization", b"").split()  # as BearerAuthentication does: a tab is a space to it
    scheme = words[0].lower() if len(words) == 2 else b""
    claims = tokens.read(words[1]) if scheme == b"bearer" else None
    key = words[1] if scheme == API_KEY else b""
    request_id = offered if REQUEST_ID.match(offered) else os.urandom(16).hex()
    endpoint = routes.endpoint_for(scope["path"])
    return GatewayRequest(scope, receive, send, headers, endpoint, claims, time.perf_counter(), request_id, key=key)
