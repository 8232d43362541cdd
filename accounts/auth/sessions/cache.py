"""What is remembered about people and their sessions: the key, the life and the end of each answer."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.auth.mfa.enforcement import mfa_setup_required
from accounts.models import ApiKey, Session
from accounts.models.mfa import has_mfa_subquery
from core import redis
from core.cache import GLOBAL_SCOPE, get_or_build, invalidate_after_commit, retry_until_lease_ends
from core.security.session_status import ACTIVE, RESTRICTED, REVOKED
from core.sql_templates import Param, Statement

PROFILE_TTL = 3600
SESSION_STATUS_TTL = 24 * 3600
RESTRICTED_TTL = 60
NEVER = datetime.max.replace(tzinfo=UTC)


def get_or_build_profile(user_id: uuid.UUID, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A person's own profile; ended by forget_person, which every write to a person calls."""
    return get_or_build(str(user_id), "me", seconds=PROFILE_TTL, build=build)


def invalidate_teams() -> None:
    """What a team may see is known to those who let it in, not here: after a change of its members everybody's answers
    end, which is seldom enough."""
    invalidate_after_commit([GLOBAL_SCOPE])


def invalidate_user(user_id: uuid.UUID) -> None:
    """A person's name stands in other people's answers too, so everybody's end; the next request asks for the tier."""
    invalidate_after_commit([GLOBAL_SCOPE])
    transaction.on_commit(
        partial(retry_until_lease_ends, partial(invalidate_statuses_of_users, [str(user_id)])), robust=True
    )


def session_key(session_id: object) -> str:
    """Holds `active:<tier>`, `restricted:<tier>` or `revoked`; a missing one is asked of PostgreSQL, so losing it revives nothing."""
    return f"taskflow:session:{session_id}"


def load_status(session_id: uuid.UUID) -> str:
    """Return `active:<tier>`, `restricted:<tier>` or `revoked` as PostgreSQL knows it, and remember it; raises RedisError.

    A revocation may be committed while we write, so it is asked for once more afterwards; one that is committed
    later writes over what we wrote.
    """
    found = _read_status(session_id)
    redis.client().set(session_key(session_id), found.value, nx=found.value != REVOKED, px=found.milliseconds)
    now = _read_status(session_id)
    if now != found:
        redis.client().set(session_key(session_id), now.value, px=now.milliseconds)
    return now.value


class SessionStatus(NamedTuple):
    value: str
    ends_at: datetime

    @property
    def milliseconds(self) -> int:
        """For how long it is certain: a session or a key may end by itself before a day is over."""
        left = (self.ends_at - timezone.now()).total_seconds()
        most = RESTRICTED_TTL if self.value.startswith(RESTRICTED) else SESSION_STATUS_TTL
        return max(1, math.ceil(min(left, most) * 1000))


def _read_status(session_id: uuid.UUID) -> SessionStatus:
    for tier, kind, role, ends_at, has_mfa in _status_statement().run({"now": timezone.now(), "id": session_id}):
        word = RESTRICTED if mfa_setup_required(kind=kind, role=role, has_mfa=has_mfa) else ACTIVE
        return SessionStatus(f"{word}:{tier}", ends_at)
    return SessionStatus(REVOKED, NEVER)


@lru_cache(maxsize=1)
def _status_statement() -> Statement:
    """Of a session of the API, or of an API key: to who only asks whether it lives, a key is a session."""
    now: Any = Param("now")
    sessions = Session.objects.alive(now).filter(pk=Param("id"), kind=Session.Kind.API)
    keys = ApiKey.objects.alive(now).filter(pk=Param("id"))
    found = sessions.values_list("user__tier", "user__kind", "user__role", "expires_at", has_mfa_subquery("user_id"))
    theirs = keys.values_list("owner__tier", "owner__kind", "owner__role", "expires_at", has_mfa_subquery("owner_id"))
    return Statement.always(found.union(theirs, all=True))


def mark_revoked_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    """Refuse these sessions on every node from the end of the present transaction on."""
    transaction.on_commit(partial(retry_until_lease_ends, partial(mark_revoked, list(session_ids))), robust=True)


def mark_revoked(session_ids: Iterable[object]) -> None:
    """The same now, in one attempt; raises RedisError."""
    with redis.client().pipeline(transaction=False) as pipe:
        for key in session_ids:
            pipe.set(session_key(key), REVOKED, ex=SESSION_STATUS_TTL)
        pipe.execute()


def mark_recently_revoked() -> None:
    """Refuse all sessions and keys that were revoked while they may still be remembered as alive."""
    since = timezone.now() - timedelta(seconds=SESSION_STATUS_TTL)
    mark_revoked(Session.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))
    mark_revoked(ApiKey.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))


def invalidate_statuses_of_users(user_ids: Iterable[str]) -> None:
    """Ask PostgreSQL anew about the sessions and keys of these people; raises RedisError."""
    people: list[Any] = list(user_ids)
    sessions = Session.objects.filter(user__in=people, revoked_at=None).values_list("pk", flat=True)
    keys = ApiKey.objects.filter(owner__in=people, revoked_at=None).values_list("pk", flat=True)
    invalidate_statuses([*sessions, *keys])


def invalidate_statuses(session_ids: Iterable[object]) -> None:
    """Ask PostgreSQL anew about these sessions or keys; raises RedisError."""
    if names := [session_key(key) for key in session_ids]:
        redis.client().delete(*names)


def invalidate_statuses_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    transaction.on_commit(partial(retry_until_lease_ends, partial(invalidate_statuses, list(session_ids))), robust=True)
