"""Caches of users and sessions: key, lifetime and invalidation of each."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import transaction

from accounts.auth.mfa.enforcement import mfa_setup_required
from accounts.models import ApiKey, Session
from accounts.models.sessions import has_mfa_subquery
from core import redis
from core.cache import GLOBAL_SCOPE, get_or_build, invalidate_after_commit, retry_until_lease_ends
from core.clock import current_time
from core.security.session_status import ACTIVE, RESTRICTED, REVOKED
from core.sql_templates import Param, Statement

PROFILE_TTL = 3600
SESSION_STATUS_TTL = 24 * 3600
RESTRICTED_TTL = 60
NEVER = datetime.max.replace(tzinfo=UTC)


def get_or_build_profile(user_id: uuid.UUID, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a user's own profile, cached until `invalidate_user`, which every write to a user calls."""
    return get_or_build(str(user_id), "me", seconds=PROFILE_TTL, build=build)


def invalidate_teams() -> None:
    """Invalidate all cached responses after a change of a team's members.

    This app does not know what a team can see. Such changes are rare, so invalidating everything is acceptable.
    """
    invalidate_after_commit([GLOBAL_SCOPE])


def invalidate_user(user_id: uuid.UUID) -> None:
    """Invalidate the status of the user's sessions, and all cached responses: they may have the user's name."""
    invalidate_after_commit([GLOBAL_SCOPE])
    transaction.on_commit(
        partial(retry_until_lease_ends, partial(invalidate_statuses_of_users, [str(user_id)])), robust=True
    )


def session_key(session_id: object) -> str:
    """Return the Redis key of a session's status. A lost key is safe: the status is read from PostgreSQL again."""
    return f"taskflow:session:{session_id}"


def load_status(session_id: uuid.UUID) -> str:
    """Return `active:<tier>`, `restricted:<tier>` or `revoked` from PostgreSQL, and cache it. Raises RedisError.

    A revocation may be committed while this writes, so the status is read once more afterwards. One that is committed
    later overwrites what was written here.
    """
    first = _read_status(session_id)
    redis.client().set(session_key(session_id), first.value, nx=first.value != REVOKED, px=first.milliseconds)
    second = _read_status(session_id)
    if second != first:
        redis.client().set(session_key(session_id), second.value, px=second.milliseconds)
    return second.value


class SessionStatus(NamedTuple):
    value: str
    ends_at: datetime

    @property
    def milliseconds(self) -> int:
        """How long the status may be cached: a session or a key may expire within the day."""
        remaining = (self.ends_at - current_time()).total_seconds()
        ttl = RESTRICTED_TTL if self.value.startswith(RESTRICTED) else SESSION_STATUS_TTL
        return max(1, math.ceil(min(remaining, ttl) * 1000))


def _read_status(session_id: uuid.UUID) -> SessionStatus:
    for tier, kind, role, ends_at, has_mfa in _status_statement().run({"now": current_time(), "id": session_id}):
        status = RESTRICTED if mfa_setup_required(kind=kind, role=role, has_mfa=has_mfa) else ACTIVE
        return SessionStatus(f"{status}:{tier}", ends_at)
    return SessionStatus(REVOKED, NEVER)


@lru_cache(maxsize=1)
def _status_statement() -> Statement:
    """Return the status query, for API sessions and API keys alike."""
    now: Any = Param("now")
    sessions = Session.objects.alive(now).filter(pk=Param("id"), kind=Session.Kind.API)
    keys = ApiKey.objects.alive(now).filter(pk=Param("id"))
    session_rows = sessions.values_list(
        "user__tier", "user__kind", "user__role", "expires_at", has_mfa_subquery("user_id")
    )
    key_rows = keys.values_list("owner__tier", "owner__kind", "owner__role", "expires_at", has_mfa_subquery("owner_id"))
    return Statement.always(session_rows.union(key_rows, all=True))


def mark_revoked_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    """Reject these sessions on every node once the transaction is committed."""
    transaction.on_commit(partial(retry_until_lease_ends, partial(mark_revoked, list(session_ids))), robust=True)


def mark_revoked(session_ids: Iterable[object]) -> None:
    """Reject these sessions on every node now. Raises RedisError."""
    with redis.client().pipeline(transaction=False) as pipe:
        for key in session_ids:
            pipe.set(session_key(key), REVOKED, ex=SESSION_STATUS_TTL)
        pipe.execute()


def mark_recently_revoked() -> None:
    """Reject all sessions and keys that were revoked while their status may still be cached."""
    since = current_time() - timedelta(seconds=SESSION_STATUS_TTL)
    mark_revoked(Session.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))
    mark_revoked(ApiKey.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))


def invalidate_statuses_of_users(user_ids: Iterable[str]) -> None:
    """Drop the cached status of these users' sessions and keys. Raises RedisError."""
    users: list[Any] = list(user_ids)
    sessions = Session.objects.filter(user__in=users, revoked_at=None).values_list("pk", flat=True)
    keys = ApiKey.objects.filter(owner__in=users, revoked_at=None).values_list("pk", flat=True)
    invalidate_statuses([*sessions, *keys])


def invalidate_statuses(session_ids: Iterable[object]) -> None:
    """Drop the cached status of these sessions or keys. Raises RedisError."""
    if names := [session_key(key) for key in session_ids]:
        redis.client().delete(*names)


def invalidate_statuses_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    transaction.on_commit(partial(retry_until_lease_ends, partial(invalidate_statuses, list(session_ids))), robust=True)
