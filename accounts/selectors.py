"""Questions about people, sessions and teams."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, QuerySet

from accounts.models import Session, Team, TeamMember, User
from core.errors import NotFound
from core.prepared import Bind, Statement


def directory(words: str = "") -> QuerySet[User]:
    """Every active person; the directory is open to whoever is signed in."""
    people: QuerySet[User] = User.objects.active()
    return people.matching(words) if words else people  # type: ignore[attr-defined]


def get_user(user_id: uuid.UUID) -> User:
    found: User | None = User.objects.active().filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


def find_user(*, email: str) -> User | None:
    found: User | None = User.objects.active().filter(email=email.strip().lower()).first()
    return found


def live_session(session_id: uuid.UUID, now: datetime, *, as_of: str = "") -> Session | None:
    """The session behind a token, with its person, while both are good. Asked at every request.

    `as_of` is everybody's generation, for a request whose session the gateway has just found alive: until it is
    raised, which every change to a person does, the row is the same one, and need not be read again.
    """
    row = _known.get(session_id, as_of)
    if row is not None:
        session = _with_person(row)
        return session if session.expires_at > now else None
    for row in _live_session().run({"now": now, "id": session_id}):
        _known.put(session_id, as_of, row)
        return _with_person(row)
    return None


MOST_KNOWN = 10_000


class Known:
    """Rows of sessions and their people, all of one generation; kept in the process.

    Generation and rows are one value, so no thread can put a row of one generation among those of another.
    """

    def __init__(self) -> None:
        self.kept: tuple[str, dict[uuid.UUID, tuple[Any, ...]]] = ("", {})

    def get(self, session_id: uuid.UUID, as_of: str) -> tuple[Any, ...] | None:
        generation, rows = self.kept
        return rows.get(session_id) if as_of and as_of == generation else None

    def put(self, session_id: uuid.UUID, as_of: str, row: tuple[Any, ...]) -> None:
        if not as_of:
            return
        generation, rows = self.kept
        if generation != as_of or len(rows) >= MOST_KNOWN:
            rows = {}
            self.kept = (as_of, rows)
        rows[session_id] = row


_known = Known()


# What a request needs of them.
OF_SESSION = ("id", "user_id", "created_at", "expires_at")
OF_PERSON = [field.attname for field in User._meta.concrete_fields if field.attname != "password"]


@lru_cache(maxsize=1)
def _live_session() -> Statement:
    now: Any = Bind("now")
    rows = Session.objects.alive(now).filter(pk=Bind("id"))
    return Statement.always(rows.values_list(*OF_SESSION, *(f"user__{name}" for name in OF_PERSON)))


def _with_person(row: tuple[Any, ...]) -> Session:
    session = Session.from_db("default", OF_SESSION, row[: len(OF_SESSION)])
    session.user = User.from_db("default", OF_PERSON, row[len(OF_SESSION) :])
    return session


def sessions_of(user: User, now: datetime) -> QuerySet[Session]:
    return Session.objects.alive(now).filter(user=user)


def teams(user: User) -> QuerySet[Team]:
    return Team.objects.visible_to(user).annotate(member_count=Count("memberships"))


def get_team(user: User, team_id: uuid.UUID) -> Team:
    found = teams(user).filter(pk=team_id).first()
    if found is None:
        raise NotFound("There is no such team.")
    return found


def team_members(team: Team) -> QuerySet[TeamMember]:
    return TeamMember.objects.filter(team=team).select_related("user").order_by("user__name", "user_id")


def get_team_member(team: Team, user_id: uuid.UUID) -> TeamMember:
    found = team_members(team).filter(user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the team.")
    return found
