"""Byte ranges of downloads (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.http import HttpRequest

_SINGLE_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})-(\d{0,18})", re.IGNORECASE)


class ByteRange(NamedTuple):
    start: int
    size: int

    def content_range(self, total: int) -> str:
        return f"bytes {self.start}-{self.start + self.size - 1}/{total}"


class RangeNotSatisfiable(Exception):
    """The range lies beyond the end."""


def requested_range(request: HttpRequest, *, total: int, etag: str) -> ByteRange | None:
    """Return the part of a representation of `total` bytes that the request asks for; None for all of it.

    Several ranges, other units and a stale If-Range get the whole, as section 14.2 allows. Raises RangeNotSatisfiable.
    """
    header = request.headers.get("Range", "")
    match = _SINGLE_RANGE.fullmatch(header.strip())
    if request.method != "GET" or match is None or not (match[1] or match[2]):
        return None
    # If-Range compares strongly, so a date or a weak tag never matches.
    if request.headers.get("If-Range", etag) != etag:
        return None
    if not match[1]:  # the last bytes
        size = min(int(match[2]), total)
        start, end = total - size, total - 1
    else:
        start = int(match[1])
        end = min(int(match[2]), total - 1) if match[2] else total - 1
        if match[2] and int(match[2]) < start:
            return None  # not a valid range, and so ignored
    if start >= total or end < start:
        raise RangeNotSatisfiable
    return ByteRange(start, end - start + 1)
