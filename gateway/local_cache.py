"""The in-process response cache: LRU, bounded by the bytes it takes in memory.

Invariant: a response is used only under the generation it was built under, so it needs no expiry of its own.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass, replace

from gateway.request_body import Headers

# Bytes that each entry takes beside its texts: the response, its key, and its places in the dictionaries.
ENTRY_OVERHEAD = 350
MAX_SHARED_HEADERS = 1024
# Different in each response, so there is nothing to share.
OWN_HEADERS = {b"etag", b"link", b"content-length"}


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A 200 as Django sent it, without the headers that belong to one request."""

    generation: str
    etag: bytes
    headers: Headers
    body: bytes


class LruResponseCache:
    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.responses: OrderedDict[tuple[str, str], CachedResponse] = OrderedDict()
        self.shared_headers: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}

    def get(self, caller: str, url: str) -> CachedResponse | None:
        response = self.responses.get((caller, url))
        if response is not None:
            # An OrderedDict keeps the order of use: the first entry is the one to evict.
            self.responses.move_to_end((caller, url))
        return response

    def put(self, caller: str, url: str, response: CachedResponse) -> None:
        """Store a response, and drop the least recently used ones. One that takes an eighth of the cache is not stored."""
        # Equal headers are the same objects: of a response's fifteen, all but the ETag are in most others too.
        if len(self.shared_headers) > MAX_SHARED_HEADERS:
            self.shared_headers.clear()  # stored responses keep theirs
        share = self.shared_headers.setdefault
        headers = tuple(pair if pair[0] in OWN_HEADERS else share(pair, pair) for pair in response.headers)
        response = replace(response, headers=headers)
        size = self._size(caller, url, response)
        # One large export must not evict everything else.
        if size > self.max_bytes // 8:
            return
        old = self.responses.pop((caller, url), None)
        self.size += size - (self._size(caller, url, old) if old else 0)
        self.responses[caller, url] = response
        while self.size > self.max_bytes:
            key, evicted = self.responses.popitem(last=False)
            self.size -= self._size(*key, evicted)

    @staticmethod
    def _size(caller: str, url: str, response: CachedResponse) -> int:
        own = [value for name, value in response.headers if name in OWN_HEADERS]
        texts = (caller, url, response.generation, response.etag, response.body, response.headers, *own)
        return ENTRY_OVERHEAD + sum(map(sys.getsizeof, texts))
