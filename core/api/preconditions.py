"""ETags and If-Match (RFC 9110, sections 8.8.3 and 13.1.1).

The tag of one object is `"<version>.<digest of the body>"`. A write locks the row and then compares the version; the
digest makes the tag strong for every representation, and a compressed one adds `-br` or `-gzip`.
"""

from __future__ import annotations

import hashlib
import re

from django.http import HttpRequest

from core.errors import Invalid

_ETAG_PATTERN = re.compile(r'(W/)?"(?:(\d{1,18})(?:\.[0-9a-f]+(?:-[a-z]+)?)?|[\x21\x23-\x7e]*)"')


def list_etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def parse_if_match(request: HttpRequest) -> frozenset[int] | None:
    """Return the versions the caller accepts; None accepts any (no header, or `*`). Raises Invalid.

    A weak tag never matches, so it contributes nothing.
    """
    header = request.headers.get("If-Match", "").strip()
    if header in {"", "*"}:
        return None
    tags = [_ETAG_PATTERN.fullmatch(part.strip()) for part in header.split(",")]
    if not all(tags):
        raise Invalid.field("If-Match", "Send the ETag as it was received, in double quotes.")
    # A well-formed tag that is not one of ours names no version. The set is empty then, and the write fails with 412.
    return frozenset(int(tag[2]) for tag in tags if tag and not tag[1] and tag[2])
