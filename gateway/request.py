"""One HTTP request as the gateway sees it: the caller, the declarations of the endpoint, and whether it is cacheable.

Invariant: whatever Django could read differently from the gateway (an escaped parameter, a second Host header, a tab
before the token) is read here as Django reads it, or rejected.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote_to_bytes

from django.conf import settings

from core.api.endpoints import BodyLimit, Endpoint
from core.api.routes import RouteTable
from core.cache import GLOBAL_GENERATION_KEY
from core.clock import current_time
from core.http.client_ip import resolve_client_ip
from core.http.compression import negotiate_encoding
from core.logging import REQUEST_ID
from core.security.api_keys import SCHEME as API_KEY_SCHEME
from core.security.claims import Claims
from core.security.tokens import read_access_token
from gateway import request_body
from gateway.admission import MAX_READ_WAIT, MAX_WRITE_WAIT
from gateway.request_body import Receive, Scope, Send

# Seconds after the check for which Django may rely on the generation that the check has read.
MAX_GENERATION_AGE = 0.5
MAX_LINE = 8 * 1024  # bytes
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PRECONDITION_HEADERS = {b"if-match", b"if-unmodified-since"}


@dataclass(slots=True)
class GatewayRequest:
    """An ASGI request with what the gateway has learnt about it.

    `claims` is None for an anonymous caller, and for an API key until it has been looked up. `cache_url` is the part of
    the cache key that names the response among all of one caller; it is empty when the response is not cacheable.
    """

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]
    endpoint: Endpoint
    claims: Claims | None
    started_at: float
    request_id: str
    # Method and path template, such as `POST /api/v1/tasks/`.
    route: str = ""
    global_generation: str = ""
    checked_at: float = 0.0
    cache_url: str = ""
    is_cacheable: bool = False
    api_key: bytes = b""
    # The caller and the tier whose quota this request has spent.
    charged_to: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self.is_cacheable = self._is_cacheable()
        if self.is_cacheable:
            path, query = self.scope["path"], self.scope["query_string"].decode("latin-1")
            # Part of the key: the response of the next minute is another entry, and the old one is evicted some day.
            minute = current_minute() if self.endpoint.cache_for_one_minute else ""
            # Host, Accept and encoding because the body differs by them; a shared cache would call that Vary.
            self.cache_url = f"{self.text(b'host')} {path}?{query} {self.text(b'accept')} {self.encoding} {minute}"

    def authenticate_as(self, claims: Claims) -> None:
        self.claims = claims
        self.__post_init__()

    def _is_cacheable(self) -> bool:
        """Return whether the response depends on nothing but the caller, the rows and the URL."""
        if self.claims is None or self.scope["method"] != "GET" or not self.endpoint.cacheable:
            return False
        if b"no-store" in self.headers.get(b"cache-control", b"").lower():
            return False  # RFC 9111, section 5.2.1.5
        # The answer to a precondition may be 412, which no cached 200 can express.
        if not self.headers.keys().isdisjoint(PRECONDITION_HEADERS):
            return False
        # Django reads `%6Fverdue` as `overdue`, so the query is unescaped first.
        query = unquote_to_bytes(self.scope["query_string"])
        return not any(name.encode() in query for name in self.endpoint.uncacheable_params)

    def scope_for_django(self) -> Scope:
        """Return the scope with the logged request id and a fresh global generation."""
        # The client's own id may be invalid; log lines of gateway and Django must carry the same one.
        headers = [pair for pair in self.scope["headers"] if pair[0] != b"x-request-id"]
        scope = {**self.scope, "headers": [*headers, (b"x-request-id", self.request_id.encode())]}
        # A request whose body or turn was long in coming has its session looked up anew.
        if self.global_generation and time.perf_counter() - self.checked_at < MAX_GENERATION_AGE:
            scope[GLOBAL_GENERATION_KEY] = self.global_generation
        return scope

    async def read_body(self) -> bytes | IO[bytes]:
        """Return the whole body, as a file where the endpoint takes attachments.

        Raises BodyTooLarge, ClientDisconnected, SpoolFailed.
        """
        limit = self.endpoint.max_body_size
        # A caller of the API who is not known will be refused, and must not fill the disk before.
        if limit == BodyLimit.ATTACHMENT and self.endpoint.rate_limit and self.claims is None:
            limit = BodyLimit.JSON
        read = request_body.spool_body if limit == BodyLimit.ATTACHMENT else request_body.read_body
        # The declaration names a setting, so an operator can change the limit without a release.
        return await read(self.scope, self.receive, limit=getattr(settings, limit))

    def text(self, header: bytes) -> str:
        return self.headers.get(header, b"").decode("latin-1")

    @property
    def encoding(self) -> str:
        """The encoding that Django would compress the response with; empty for none."""
        return negotiate_encoding(self.text(b"accept-encoding"))

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return resolve_client_ip(client[0] if client else "", self.text(b"x-forwarded-for"))

    @property
    def max_wait(self) -> float:
        """How many seconds the request may wait for a thread."""
        return MAX_READ_WAIT if self.scope["method"] in SAFE_METHODS else MAX_WRITE_WAIT

    @property
    def has_too_long_line(self) -> bool:
        """Whether a header line or the URL is longer than nginx accepts (large_client_header_buffers)."""
        target = len(self.scope["path"]) + len(self.scope.get("query_string", b""))
        return target > MAX_LINE or any(len(name) + len(value) > MAX_LINE for name, value in self.scope["headers"])

    @property
    def has_duplicate_host(self) -> bool:
        """Whether there are two Host headers (RFC 9112, section 3.2); cache and Django would read different ones."""
        return bool(sum(name == b"host" for name, _ in self.scope["headers"]) > 1)


def current_minute() -> int:
    return int(current_time().timestamp() // 60)


def parse_request(scope: Scope, receive: Receive, send: Send, *, routes: RouteTable) -> GatewayRequest:
    """Return the request; its caller is known already where it sent a valid access token."""
    headers = dict(scope["headers"])
    client_request_id = headers.get(b"x-request-id", b"").decode("latin-1")
    authorization = headers.get(b"authorization", b"").split()  # as Django's authentication: a tab is a space to it
    scheme, credentials = (authorization[0].lower(), authorization[1]) if len(authorization) == 2 else (b"", b"")
    route = routes.route_for(scope["path"])
    return GatewayRequest(
        scope,
        receive,
        send,
        headers,
        endpoint=routes.endpoint_for(scope["path"]),
        claims=read_access_token(credentials) if scheme == b"bearer" else None,
        started_at=time.perf_counter(),
        route=f"{scope['method']} {route.template if route else ''}",
        request_id=client_request_id if REQUEST_ID.match(client_request_id) else os.urandom(16).hex(),
        api_key=credentials if scheme == API_KEY_SCHEME else b"",
    )
