"""Looking up API keys by their text, for the gateway and for Django."""

from __future__ import annotations

import ipaddress
import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from accounts.auth.mfa.enforcement import mfa_setup_required
from accounts.auth.sessions.selectors import USER_COLUMNS, RowCache
from accounts.models import ApiKey, User
from accounts.models.sessions import has_mfa_subquery
from core.clock import current_time
from core.security.api_keys import PresentedKey
from core.security.claims import ApiKeyClaims
from core.sql_templates import Param, Statement

# Seconds between two attempts of this process to record the use of a key.
USE_RECORD_INTERVAL = 300.0
MAX_RECORDED = 10_000
KEY_COLUMNS = (
    "id", "owner_id", "name", "prefix", "digest", "scopes", "projects", "allowed_networks", "created_at", "expires_at",
)  # fmt: skip
_row_cache = RowCache()
_last_recorded: dict[str, float] = {}


def get_claims(presented: PresentedKey) -> ApiKeyClaims | None:
    """Return the unchanging claims of a key, active or not; None if it does not exist."""
    # The prefix finds the row; the digest of the secret is compared in constant time.
    key = ApiKey.objects.filter(prefix=presented.prefix).select_related("owner").first()
    if key is None or not presented.is_for(key.digest):
        return None
    return ApiKeyClaims(
        user_id=str(key.owner_id),
        session_id=str(key.pk),
        expires_at=key.expires_at.timestamp(),
        has_own_rate_limit=key.owner.is_service,
        networks=tuple(ipaddress.ip_network(network) for network in key.allowed_networks),
    )


def get_active_key(presented: PresentedKey, now: datetime, *, as_of: str = "") -> ApiKey | None:
    """Return the open key of an active owner, with `owner` and `mfa_setup_required`, or None.

    Called by every request with an API key. `as_of` is the global generation if the gateway has just checked that the
    key is alive; rows cached under it are still valid, because the only change to a key is its end.
    """
    cached, cache_key = _row_cache.rows_for(as_of), uuid.UUID(hex=presented.digest[:32])
    key = _key_with_owner(cached[cache_key]) if cache_key in cached else None
    # A restricted key is read anew: its owner may set up MFA at any moment, which replaces no generation.
    if key is None or key.mfa_setup_required:
        rows = _active_key_statement().run({"now": now, "prefix": presented.prefix})
        key = _key_with_owner(rows[0]) if rows else None
        # The prefix finds a row; only the digest proves that the caller has the key.
        if key is None or not presented.is_for(key.digest):
            return None
        cached[cache_key] = rows[0]
    return key if presented.is_for(key.digest) and key.expires_at > now else None


def _key_with_owner(row: tuple[Any, ...]) -> ApiKey:
    key = ApiKey.from_db("default", KEY_COLUMNS, row[: len(KEY_COLUMNS)])
    key.owner = User.from_db("default", USER_COLUMNS, row[len(KEY_COLUMNS) : -1])
    key.mfa_setup_required = mfa_setup_required(kind=key.owner.kind, role=key.owner.role, has_mfa=row[-1])
    return key


@lru_cache(maxsize=1)
def _active_key_statement() -> Statement:
    now: Any = Param("now")
    keys = ApiKey.objects.alive(now).filter(prefix=Param("prefix"))
    return Statement.always(
        keys.values_list(*KEY_COLUMNS, *(f"owner__{name}" for name in USER_COLUMNS), has_mfa_subquery("owner_id"))
    )


def should_record_use(key_id: str) -> bool:
    """Return True once per key and USE_RECORD_INTERVAL in this process."""
    now = time.monotonic()
    if now - _last_recorded.get(key_id, float("-inf")) < USE_RECORD_INTERVAL:
        return False
    # Forgetting all entries at worst records some uses twice.
    if len(_last_recorded) > MAX_RECORDED:
        _last_recorded.clear()
    _last_recorded[key_id] = now
    return True


def record_use(key_id: str, address: str) -> None:
    """Record that a key was used from this address; also called by the gateway."""
    from accounts.api_keys import services  # late: DRF imports this module while it is being imported itself

    services.record_key_use(key_id=uuid.UUID(key_id), address=address, now=current_time())
