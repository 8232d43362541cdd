"""Asks a list of the passwords known from breaches, by the range protocol of Pwned Passwords.

Of a password only the first five of the forty hex digits of its SHA-1 leave this machine; the answer names the rest of all
that begin so, with padding, so that its length tells nothing either. Nobody waits long for it: where there is no good
answer within a second, the other rules judge alone, and the log says so.
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
UNKNOWN = Counter(
    "accounts_password_breach_checks_failed", "Passwords that the list of breached ones was in vain asked about."
)
log = structlog.get_logger(__name__)


def is_breached(password: str) -> bool:
    """Tell whether the list at PWNED_PASSWORDS_URL has this password; no, where it is not asked or does not answer."""
    if not settings.PWNED_PASSWORDS_URL or not password:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    question = RangeQuery(settings.PWNED_PASSWORDS_URL, digest[:PREFIX_LENGTH])
    try:
        return digest[PREFIX_LENGTH:] in executor().run(question.ask, question.cancel)
    except NoResponse as error:
        UNKNOWN.inc()
        log.warning("password_breach_check_failed", reason=error.reason)
        return False


@cache
def executor() -> DeadlineExecutor:
    return DeadlineExecutor(lambda: TIMEOUT)


class RangeQuery:
    """One request. Redirects are not followed: they would lead elsewhere, and the protocol knows none."""

    def __init__(self, address: str, prefix: str) -> None:
        self.url, self.prefix = urlsplit(address), prefix
        self.socket: socket | None = None

    def ask(self, end: float) -> frozenset[str]:
        """Return the rest of each digest in the answer; raises Unanswered."""
        try:
            connection = self._connection(end - time.monotonic())
            try:
                return _parse_entries(self._body(connection, end))
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise NoResponse("timeout" if isinstance(error, TimeoutError) else type(error).__name__) from error

    def cancel(self) -> None:
        """Called from another thread: a socket that is read wakes up by this, and by nothing else."""
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
        if time.monotonic() > end:  # whoever hung up before found no socket
            raise NoResponse("timeout")
        connection.request("GET", self.url.path + self.prefix, headers=HEADERS)
        with connection.getresponse() as answer:
            if answer.status != 200:
                raise NoResponse(f"status_{answer.status}")
            body = answer.read(MAX_RESPONSE_BYTES + 1)
            if len(body) > MAX_RESPONSE_BYTES:
                raise NoResponse("too_long")
            if answer.length:  # an end that comes early is no error to read()
                raise NoResponse("cut_short")
            return body.decode("ascii")


@cache
def _ssl_context() -> ssl.SSLContext:
    """What this machine trusts, where a mirror's own authority may be, and what `requests` does."""
    context = ssl.create_default_context()
    context.load_verify_locations(certs.where())
    return context


def _parse_entries(body: str) -> frozenset[str]:
    """Return what was seen in a breach; entries that were seen never are the padding."""
    found = [RANGE_ENTRY.fullmatch(entry.upper()) for entry in body.splitlines()]
    if None in found:
        raise NoResponse("no_list")
    return frozenset(one[1] for one in found if one and int(one[2].replace(",", "")) > 0)
