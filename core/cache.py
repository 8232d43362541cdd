"""Remembered answers, kept by generation: raising a generation ends every answer made under it.

The generation is read before the answer is built, so an answer built from rows that a later write
changed is stored under a generation nobody asks for any more.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from django.core.cache import cache
from django.db import transaction

T = TypeVar("T")

GENERATION_SECONDS = 7 * 24 * 3600


def generation(scope: str) -> str:
    """Return the current generation of a scope; a lost one is replaced by one never used before."""
    key = f"generation:{scope}"
    found = cache.get(key)
    if found is None:
        cache.add(key, uuid.uuid4().hex, GENERATION_SECONDS)
        found = cache.get(key) or uuid.uuid4().hex
    return str(found)


def remember(scope: str, name: str, *, seconds: int, build: Callable[[], T]) -> T:
    """Return the remembered answer `name` of this scope, or build and keep it for `seconds`."""
    key = f"answer:{scope}:{generation(scope)}:{name}"
    found: T | None = cache.get(key)
    if found is None:
        found = build()
        cache.set(key, found, seconds)
    return found


def forget_after_commit(scopes: Iterable[str]) -> None:
    """End everything remembered under these scopes, once the present transaction is committed."""
    transaction.on_commit(partial(raise_generations, tuple(scopes)), robust=True)


def raise_generations(scopes: Iterable[str]) -> None:
    cache.set_many({f"generation:{scope}": uuid.uuid4().hex for scope in scopes}, GENERATION_SECONDS)
