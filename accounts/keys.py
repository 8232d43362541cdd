"""Whose API key it is: what PostgreSQL knows of it, for the gateway and for Django."""

from __future__ import annotations

import ipaddress
import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import models
from django.utils import timezone

from accounts import policies
from accounts.models import ApiKey, User
from accounts.querysets import has_factor
from accounts.selectors import OF_PERSON, Known
from core.prepared import Bind, Statement
from gateway.api_keys import Offered
from gateway.keyring import KeyClaims

NOTED_SECONDS = 300.0
MOST_NOTED = 10_000
OF_KEY = ["id", "owner_id", "name", "prefix", "digest", "scopes", "projects", "addresses", "created_at", "expires_at"]
_known = Known()
_noted: dict[str, float] = {}


def claims_of(offered: Offered) -> KeyClaims | None:
    """Return what never changes about a key, alive or not; None for one that does not exist."""
    key = ApiKey.objects.filter(prefix=offered.prefix).select_related("owner").first()
    if key is None or not offered.is_for(key.digest):
        return None
    return KeyClaims(
        user_id=str(key.owner_id),
        session_id=str(key.pk),
        expires_at=key.expires_at.timestamp(),
        has_own_limit=key.owner.is_service,
        networks=tuple(ipaddress.ip_network(network) for network in key.addresses),
    )


def live_key(offered: Offered, now: datetime, *, as_of: str = "") -> ApiKey | None:
    """The key that was shown, with its owner, while both are good. Asked at every request of a key.

    `as_of` is everybody's generation, for a request whose key the gateway has just found alive: what is read of the
    row never changes but for its end, of which the gateway knows too.
    """
    name = uuid.UUID(hex=offered.digest[:32])
    row = _known.get(name, as_of)
    key = _with_owner(row) if row is not None else None
    if key is None or key.owes_factor:  # which may be over at any moment
        row = next(iter(_live_key().run({"now": now, "prefix": offered.prefix})), None)
        key = _with_owner(row) if row is not None else None
        if row is not None and key is not None and offered.is_for(key.digest):
            _known.put(name, as_of, row)
    return key if key is not None and offered.is_for(key.digest) and key.expires_at > now else None


def _with_owner(row: tuple[Any, ...]) -> ApiKey:
    key = ApiKey.from_db("default", OF_KEY, row[: len(OF_KEY)])
    key.owner = User.from_db("default", OF_PERSON, row[len(OF_KEY) : -1])
    key.owes_factor = policies.owes_factor(key.owner, has_one=row[-1])
    return key


@lru_cache(maxsize=1)
def _live_key() -> Statement:
    now: Any = Bind("now")
    rows: models.QuerySet[ApiKey] = ApiKey.objects.alive(now).filter(prefix=Bind("prefix"))
    return Statement.always(
        rows.values_list(*OF_KEY, *(f"owner__{name}" for name in OF_PERSON), has_factor("owner_id"))
    )


def is_due(key_id: str) -> bool:
    """Whether this process should note now that a key is used; it is told so once in NOTED_SECONDS."""
    now = time.monotonic()
    if now - _noted.get(key_id, float("-inf")) < NOTED_SECONDS:
        return False
    if len(_noted) > MOST_NOTED:
        _noted.clear()
    _noted[key_id] = now
    return True


def note_use(key_id: str, address: str) -> None:
    from accounts.services.keys import note_key_use  # late: DRF reads this module while it starts

    note_key_use(key_id=uuid.UUID(key_id), address=address, now=timezone.now())
