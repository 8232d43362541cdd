"""The in-process response cache: LRU, bounded by bytes.

Invariant: a response is used only under the generation it was built under, so it needs no expiry of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.request_body import Headers

# Estimate for the key, the header tuples and the objects of one entry.
ENTRY_OVERHEAD = 500  # bytes


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A 200 as Django sent it, without the headers that belong to one request."""

    generation: str
    etag: bytes
    headers: Headers
    body: bytes

    @property
    def size(self) -> int:
        return ENTRY_OVERHEAD + len(self.body)


class LruResponseCache:
    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.responses: OrderedDict[tuple[str, str], CachedResponse] = OrderedDict()

    def get(self, caller: str, url: str) -> CachedResponse | None:
        response = self.responses.get((caller, url))
        if response is not None:
            # An OrderedDict keeps the order of use: the first entry is the one to evict.
            self.responses.move_to_end((caller, url))
        return response

    def put(self, caller: str, url: str, response: CachedResponse) -> None:
        """Store a response, and drop the least recently used ones. One that takes an eighth of the cache is not stored."""
        # One large export must not evict everything else.
        if response.size > self.max_bytes // 8:
            return
        old = self.responses.pop((caller, url), None)
        self.size += response.size - (old.size if old else 0)
        self.responses[caller, url] = response
        while self.size > self.max_bytes:
            _, evicted = self.responses.popitem(last=False)
            self.size -= evicted.size
