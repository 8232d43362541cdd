"""Answers kept in the process: bounded by bytes, the least recently used go first.

Invariant: an answer is found only under the generation it was built under, so it needs no other end.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

ENTRY_OVERHEAD = 500
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A 200 as Django gave it, without what belongs to one request."""

    generation: str
    etag: bytes
    headers: Headers
    body: bytes

    @property
    def size(self) -> int:
        return ENTRY_OVERHEAD + len(self.body)


class LruResponseCache:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.answers: OrderedDict[tuple[str, str], CachedResponse] = OrderedDict()

    def get(self, caller: str, url: str) -> CachedResponse | None:
        found = self.answers.get((caller, url))
        if found is not None:
            self.answers.move_to_end((caller, url))
        return found

    def put(self, caller: str, url: str, answer: CachedResponse) -> None:
        if answer.size > self.limit // 8:
            return
        old = self.answers.pop((caller, url), None)
        self.size += answer.size - (old.size if old else 0)
        self.answers[caller, url] = answer
        while self.size > self.limit:
            _, gone = self.answers.popitem(last=False)
            self.size -= gone.size
