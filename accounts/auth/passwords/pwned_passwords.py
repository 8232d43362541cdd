"""Looking up passwords in known breaches, by the range protocol of Pwned Passwords.

Only the first five of the forty hex digits of the SHA-1 leave this machine. The response has the rest of all hashes with
this prefix, padded, so that its length reveals nothing either. Without a valid response within a second the password
counts as not breached, and the log says so.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import time
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR, socket
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from prometheus_client import Counter
from requests import certs

from core.deadline_executor import DeadlineExecutor, NoResponse

TIMEOUT = 1.0
MAX_RESPONSE_BYTES = 256 * 1024
PREFIX_LENGTH = 5
HEADERS = {"Add-Padding": "true", "Accept": "text/plain", "User-Agent": "TaskFlow", "Connection": "close"}
RANGE_ENTRY = re.compile(r"([0-9A-F]{35}):(\d[\d,]*)")
UNKNOWN = Counter("accounts_password_breach_checks_failed", "Failed lookups in the list of breached passwords.")
log = structlog.get_logger(__name__)


def is_breached(password: str) -> bool:
    """Whether the list at PWNED_PASSWORDS_URL has this password; False without a URL or a response."""
    if not settings.PWNED_PASSWORDS_URL or not password:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    query = RangeQuery(settings.PWNED_PASSWORDS_URL, digest[:PREFIX_LENGTH])
    try:
        return digest[PREFIX_LENGTH:] in executor().run(query.send, query.cancel)
    except NoResponse as error:
        UNKNOWN.inc()
        log.warning("password_breach_check_failed", reason=error.reason)
        return False


@cache
def executor() -> DeadlineExecutor:
    return DeadlineExecutor(lambda: TIMEOUT)


class RangeQuery:
    """One request to the list. Redirects are not followed, as the protocol has none."""

    def __init__(self, address: str, prefix: str) -> None:
        self.url, self.prefix = urlsplit(address), prefix
        self.socket: socket | None = None

    def send(self, end: float) -> frozenset[str]:
        """Return the rest of each hash that was seen in a breach. Raises NoResponse.

        `end` is the deadline on the monotonic clock.
        """
        try:
            connection = self._connection(end - time.monotonic())
            try:
                lines = self._body(connection, end).splitlines()
            finally:
                connection.close()
            entries = [RANGE_ENTRY.fullmatch(line.upper()) for line in lines]
            if None in entries:
                raise NoResponse("no_list")
            # A count of zero is padding.
            return frozenset(entry[1] for entry in entries if entry and int(entry[2].replace(",", "")) > 0)
        except (OSError, HTTPException, ValueError) as error:
            raise NoResponse("timeout" if isinstance(error, TimeoutError) else type(error).__name__) from error

    def cancel(self) -> None:
        """Wake the thread that waits for the socket. Called from another thread after the deadline."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(SHUT_RDWR)

    def _connection(self, seconds: float) -> HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        if self.url.scheme == "http":
            return HTTPConnection(host, port, timeout=seconds)
        return HTTPSConnection(host, port, timeout=seconds, context=_ssl_context())

    def _body(self, connection: HTTPConnection, end: float) -> str:
        connection.connect()
        self.socket = connection.sock
        if time.monotonic() > end:  # cancel() came before there was a socket
            raise NoResponse("timeout")
        connection.request("GET", self.url.path + self.prefix, headers=HEADERS)
        with connection.getresponse() as response:
            if response.status != 200:
                raise NoResponse(f"status_{response.status}")
            body = response.read(MAX_RESPONSE_BYTES + 1)
            if len(body) > MAX_RESPONSE_BYTES:
                raise NoResponse("too_long")
            if response.length:  # read() does not fail on a truncated body
                raise NoResponse("cut_short")
            return body.decode("ascii")


@cache
def _ssl_context() -> ssl.SSLContext:
    """Trust the certificates of this machine, for a mirror's own authority, and those of `requests`."""
    context = ssl.create_default_context()
    context.load_verify_locations(certs.where())
    return context
