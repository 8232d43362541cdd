"""Client of ClamAV's daemon: INSTREAM over TCP (clamd(8))."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.utils.translation import gettext

# Of each send and of the answer; a scan of 100 MB takes clamd some seconds.
TIMEOUT = 60
CONNECT_TIMEOUT = 3
MAX_ANSWER_BYTES = 4096
_MALWARE_PATTERN = re.compile(rb"stream: (.{1,200}) FOUND\0?\n?$", re.DOTALL)


class ScannerUnavailable(Exception):
    """The scanner did not answer, or could not scan. Nothing is known of the file."""


def scan(url: str, chunks: Iterable[bytes]) -> str:
    """Return the name of the malware in a file; empty for a clean file. Raises ScannerUnavailable."""
    address = urlsplit(url)
    if not address.hostname:
        raise ScannerUnavailable(gettext("CLAMAV_URL is not set"))
    try:
        with socket.create_connection((address.hostname, address.port or 3310), timeout=CONNECT_TIMEOUT) as connection:
            connection.settimeout(TIMEOUT)
            connection.sendall(b"zINSTREAM\0")
            for chunk in chunks:
                connection.sendall(struct.pack(">L", len(chunk)) + chunk)
            connection.sendall(struct.pack(">L", 0))
            answer = b""
            while not answer.endswith(b"\0") and len(answer) < MAX_ANSWER_BYTES:
                part = connection.recv(MAX_ANSWER_BYTES)
                if not part:
                    break
                answer += part
    except OSError as error:
        raise ScannerUnavailable(str(error)) from error
    if answer.rstrip(b"\0\n") == b"stream: OK":
        return ""
    if match := _MALWARE_PATTERN.match(answer):
        return match[1].decode("utf-8", "replace")
    # Such as `INSTREAM size limit exceeded. ERROR`: StreamMaxLength in clamd.conf is below ATTACHMENT_MAX_BYTES.
    raise ScannerUnavailable(answer[:200].decode("utf-8", "replace") or "no answer")
