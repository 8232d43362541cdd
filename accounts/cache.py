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

from accounts.models import ApiKey, Session
from accounts.querysets import has_factor
from accounts.standing import owes_factor
from core import redis
from core.cache import EVERYBODY, forget_after_commit, insist, remember
from core.prepared import Bind, Statement

PROFILE_SECONDS = 3600
SESSION_SECONDS = 24 * 3600
# The gateway remembers nothing for a held one and lets Django answer; see accounts.standing.
ALIVE, HELD, REVOKED = "alive", "held", "revoked"
HELD_SECONDS = 60
NEVER = datetime.max.replace(tzinfo=UTC)


def profile(user_id: uuid.UUID, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A person's own profile; ended by forget_person, which every write to a person calls."""
    return remember(str(user_id), "me", seconds=PROFILE_SECONDS, build=build)


def forget_teams() -> None:
    """What a team may see is known to those who let it in, not here: after a change of its members everybody's answers
    end, which is seldom enough."""
    forget_after_commit([EVERYBODY])


def forget_person(user_id: uuid.UUID) -> None:
    """A person's name stands in other people's answers too, so everybody's end; the next request asks for the tier."""
    forget_after_commit([EVERYBODY])
    transaction.on_commit(partial(insist, partial(forget_liveness, [str(user_id)])), robust=True)


def session_key(session_id: object) -> str:
    """Holds `alive:<tier>`, `held:<tier>` or `revoked`; a missing one is asked of PostgreSQL, so losing it revives nothing."""
    return f"taskflow:session:{session_id}"


def remember_liveness(session_id: uuid.UUID) -> str:
    """Return `alive:<tier>`, `held:<tier>` or `revoked` as PostgreSQL knows it, and remember it; raises RedisError.

    A revocation may be committed while we write, so it is asked for once more afterwards; one that is committed
    later writes over what we wrote.
    """
    found = _liveness(session_id)
    redis.client().set(session_key(session_id), found.words, nx=found.words != REVOKED, px=found.milliseconds)
    now = _liveness(session_id)
    if now != found:
        redis.client().set(session_key(session_id), now.words, px=now.milliseconds)
    return now.words


class Liveness(NamedTuple):
    words: str
    ends_at: datetime

    @property
    def milliseconds(self) -> int:
        """For how long it is certain: a session or a key may end by itself before a day is over."""
        left = (self.ends_at - timezone.now()).total_seconds()
        most = HELD_SECONDS if self.words.startswith(HELD) else SESSION_SECONDS
        return max(1, math.ceil(min(left, most) * 1000))


def _liveness(session_id: uuid.UUID) -> Liveness:
    for tier, kind, role, ends_at, has_one in _a_live_one().run({"now": timezone.now(), "id": session_id}):
        word = HELD if owes_factor(kind=kind, role=role, has_one=has_one) else ALIVE
        return Liveness(f"{word}:{tier}", ends_at)
    return Liveness(REVOKED, NEVER)


@lru_cache(maxsize=1)
def _a_live_one() -> Statement:
    """Of a session of the API, or of an API key: to who only asks whether it lives, a key is a session."""
    now: Any = Bind("now")
    sessions = Session.objects.alive(now).filter(pk=Bind("id"), kind=Session.Kind.API)
    keys = ApiKey.objects.alive(now).filter(pk=Bind("id"))
    found = sessions.values_list("user__tier", "user__kind", "user__role", "expires_at", has_factor("user_id"))
    theirs = keys.values_list("owner__tier", "owner__kind", "owner__role", "expires_at", has_factor("owner_id"))
    return Statement.always(found.union(theirs, all=True))


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
    """Refuse all sessions and keys that were revoked while they may still be remembered as alive."""
    since = timezone.now() - timedelta(seconds=SESSION_SECONDS)
    refuse_sessions(Session.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))
    refuse_sessions(ApiKey.objects.filter(revoked_at__gt=since).values_list("pk", flat=True))


def forget_liveness(user_ids: Iterable[str]) -> None:
    """Ask PostgreSQL anew about the sessions and keys of these people; raises RedisError."""
    people: list[Any] = list(user_ids)
    sessions = Session.objects.filter(user__in=people, revoked_at=None).values_list("pk", flat=True)
    keys = ApiKey.objects.filter(owner__in=people, revoked_at=None).values_list("pk", flat=True)
    forget_sessions([*sessions, *keys])


def forget_sessions(session_ids: Iterable[object]) -> None:
    """Ask PostgreSQL anew about these sessions or keys; raises RedisError."""
    if names := [session_key(key) for key in session_ids]:
        redis.client().delete(*names)


def forget_sessions_after_commit(session_ids: Iterable[uuid.UUID]) -> None:
    transaction.on_commit(partial(insist, partial(forget_sessions, list(session_ids))), robust=True)
