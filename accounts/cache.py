"""What is remembered about people and their sessions: the key, the life and the end of each answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Session
from core import redis
from core.cache import EVERYBODY, forget_after_commit, insist, remember
from core.prepared import Bind, Statement

PROFILE_SECONDS = 3600
SESSION_SECONDS = 24 * 3600
ALIVE, REVOKED = "alive", "revoked"


def profile(user_id: uuid.UUID, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A person's own profile; ended by forget_person, which every write to a person calls."""
    return remember(str(user_id), "me", seconds=PROFILE_SECONDS, build=build)


def forget_person(user_id: uuid.UUID) -> None:
    """A person's name stands in other people's answers too, so everybody's end; the next request asks for the tier."""
    forget_after_commit([EVERYBODY])
    transaction.on_commit(partial(insist, partial(forget_liveness, [str(user_id)])), robust=True)


def session_key(session_id: object) -> str:
    """Holds `alive:<tier>` or `revoked`; a missing one is asked of PostgreSQL, so losing it revives nothing."""
    return f"taskflow:session:{session_id}"


def remember_liveness(session_id: uuid.UUID) -> str:
    """Return `alive:<tier>` or `revoked` as PostgreSQL knows it, and remember it; raises RedisError.

    A revocation may be committed while we write, so it is asked for once more afterwards; one that is committed
    later writes over what we wrote.
    """
    found = _liveness(session_id)
    redis.client().set(session_key(session_id), found, nx=found != REVOKED, ex=SESSION_SECONDS)
    if (now := _liveness(session_id)) != found:
        redis.client().set(session_key(session_id), now, ex=SESSION_SECONDS)
    return now


def _liveness(session_id: uuid.UUID) -> str:
    for (tier,) in _tier_of_a_live_one().run({"now": timezone.now(), "id": session_id}):
        return f"{ALIVE}:{tier}"
    return REVOKED


@lru_cache(maxsize=1)
def _tier_of_a_live_one() -> Statement:
    now: Any = Bind("now")
    return Statement.always(Session.objects.alive(now).filter(pk=Bind("id")).values_list("user__tier"))


def refuse_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    """Refuse these sessions on every node from the end of the present transaction on."""
    transaction.on_commit(partial(insist, partial(refuse_sessions, list(session_ids))), robust=True)


def refuse_sessions(session_ids: Iterable[object]) -> None:
    """The same now, in one attempt; raises RedisError."""
    with redis.client().pipeline(transaction=False) as pipe:
        for key in session_ids:
            pipe.set(session_key(key), REVOKED, ex=SESSION_SECONDS)
        pipe.execute()


def refuse_recently_revoked() -> None:
    """Refuse all sessions that were revoked while a token of theirs may still be good."""
    since = timezone.now() - timedelta(seconds=SESSION_SECONDS)
    refuse_sessions(Session.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))


def forget_liveness(user_ids: Iterable[str]) -> None:
    """Ask PostgreSQL anew about the sessions of these people; raises RedisError."""
    sessions = Session.objects.filter(user__in=list(user_ids), revoked_at=None).values_list("pk", flat=True)
    if keys := [session_key(key) for key in sessions]:
        redis.client().delete(*keys)
