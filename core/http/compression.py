"""Response compression, each representation with a strong ETag of its own.

Invariant: compression leaks no secret (BREACH, CVE-2013-3587). That attack needs a secret beside text of the attacker's
choice, in a response that the attacker can make a browser fetch. So two kinds of responses are not compressed:
- those with `no-store`, which every response with a token, a password form or a key has. Other pages of signed-in users
  aren't stored either, but hold no secret except the CSRF token, which Django masks anew in each response;
- those a browser fetches with a cookie for another site, or for an unknown one (Fetch Metadata). A token in
  `Authorization` is sent only by the program that holds it.

The gateway caches responses by the encoding that `negotiate_encoding` returns, so a cached one is not compressed again.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache

import brotli
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from core.etags import encoded_etag
from core.htmx import SIGNED_IN_PAGE

# Best first. A list of 6 kB: brotli 4 makes 735 bytes of it in 70 µs, gzip 6 makes 794 in 40 µs.
ENCODINGS = ("br", "gzip")
BROTLI_QUALITY, GZIP_LEVEL = 4, 6
MIN_LENGTH = 1024
COMPRESSIBLE_TYPES = ("application/json", "application/problem+json", "application/vnd.oai.openapi", "text/")
SAME_SITE = frozenset({"same-origin", "none"})
_CODING_PATTERN = re.compile(r"\s*([a-z0-9*_-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


@lru_cache(maxsize=256)
def negotiate_encoding(accepted: str) -> str:
    """Return the encoding for this Accept-Encoding (RFC 9110, section 12.5.3); empty for none."""
    weights = {
        match[1].lower(): float(match[2] or 1) for match in map(_CODING_PATTERN.fullmatch, accepted.split(",")) if match
    }
    weighted = [(weights.get(name, weights.get("*", 0.0)), name) for name in ENCODINGS]
    weight, name = max(weighted, key=lambda pair: pair[0])
    return name if weight and weight >= weights.get("identity", 0.0) else ""


def is_compressible(request: HttpRequest, response: HttpResponse) -> bool:
    if response.streaming or response.has_header("Content-Encoding") or len(response.content) < MIN_LENGTH:
        return False
    if not response.get("Content-Type", "").startswith(COMPRESSIBLE_TYPES):
        return False
    cache_control = response.get("Cache-Control", "")
    # `never_cache`, which pages with secrets use, adds other directives.
    if "no-store" in cache_control and cache_control != SIGNED_IN_PAGE:
        return False
    return not request.headers.get("Cookie") or request.headers.get("Sec-Fetch-Site") in SAME_SITE


def prepare_content_encoding(request: HttpRequest, response: HttpResponse) -> str:
    """Return the encoding the response will get, and set Vary and ETag accordingly; `compress` follows.

    Two steps, because in between the ETag decides whether the client has this representation already.
    """
    if response.streaming or response.has_header("Content-Encoding"):
        return ""
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding = negotiate_encoding(request.headers.get("Accept-Encoding", ""))
    if not encoding or not is_compressible(request, response):
        return ""
    if response.has_header("ETag"):
        response["ETag"] = encoded_etag(response["ETag"], encoding)
    return encoding


def compress(response: HttpResponse, encoding: str) -> None:
    body = response.content
    # mtime=0: equal bodies give equal bytes, which a strong ETag promises.
    packed = (
        brotli.compress(body, quality=BROTLI_QUALITY) if encoding == "br" else gzip.compress(body, GZIP_LEVEL, mtime=0)
    )
    response.content = packed
    response["Content-Encoding"] = encoding
    response["Content-Length"] = str(len(packed))
