"""Questions about who is signed in where. Some are asked at every request."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts import policies
from accounts.models import Session, User
from accounts.querysets import has_factor
from core.prepared import Bind, Statement, instance, names_of

# What a request needs of a session and its person.
OF_SESSION = ("id", "user_id", "created_at", "expires_at")
OF_PERSON = [field.attname for field in User._meta.concrete_fields if field.attname != "password"]
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


def live_session(session_id: uuid.UUID, now: datetime, *, as_of: str = "") -> Session | None:
    """The session behind a token, with its person, while both are good. Asked at every request.

    `as_of` is everybody's generation, for a request whose session the gateway has just found alive: until it is
    raised, which every change to a person does, the row is the same one, and need not be read again.
    """
    row = _known.get(session_id, as_of)
    if row is not None and not (session := _with_person(row)).owes_factor:  # which may be over at any moment
        return session if session.expires_at > now else None
    for row in _live_session().run({"now": now, "id": session_id}):
        _known.put(session_id, as_of, row)
        return _with_person(row)
    return None


@lru_cache(maxsize=1)
def _live_session() -> Statement:
    now: Any = Bind("now")
    rows = Session.objects.alive(now).filter(pk=Bind("id"), kind=Session.Kind.API)
    return Statement.always(
        rows.values_list(*OF_SESSION, *(f"user__{name}" for name in OF_PERSON), has_factor("user_id"))
    )


def _with_person(row: tuple[Any, ...]) -> Session:
    session = Session.from_db("default", OF_SESSION, row[: len(OF_SESSION)])
    session.user = User.from_db("default", OF_PERSON, row[len(OF_SESSION) : -1])
    session.owes_factor = policies.owes_factor(session.user, has_one=row[-1])
    return session


def browser_session(session_id: uuid.UUID, now: datetime) -> Session | None:
    """The session behind a browser's cookie, with its person, while both are good. Asked at every page."""
    for row in _browser_session().run({"now": now, "id": session_id}):
        session = instance(Session, row[: len(names_of(Session))])
        session.user = instance(User, row[len(names_of(Session)) : -1])
        session.owes_factor = policies.owes_factor(session.user, has_one=row[-1])
        return session
    return None


@lru_cache(maxsize=1)
def _browser_session() -> Statement:
    now: Any = Bind("now")
    rows = Session.objects.alive(now).filter(kind=Session.Kind.BROWSER, pk=Bind("id"))
    return Statement.always(
        rows.values_list(*names_of(Session), *(f"user__{name}" for name in names_of(User)), has_factor("user_id"))
    )


def refreshable_session(session_id: uuid.UUID, user_id: uuid.UUID, now: datetime) -> Session | None:
    """The session that a refresh token names, with its person, while both are good."""
    named = Session.objects.alive(now).filter(pk=session_id, user=user_id, kind=Session.Kind.API)
    return named.select_related("user").first()


def session_with_person(session_id: uuid.UUID) -> Session | None:
    """The row as PostgreSQL has it now, whatever is remembered of it."""
    return Session.objects.select_related("user").filter(pk=session_id).first()


def sessions_of(user: User, now: datetime) -> QuerySet[Session]:
    """The browsers and programs in which somebody is signed in."""
    return Session.objects.alive(now).filter(user=user)


def knows_device(user_id: uuid.UUID, device: str) -> bool:
    """Whether this person has signed in with this device before; `device` is what accounts.devices.digest gives."""
    return Session.objects.filter(user=user_id, device=device, is_disowned=False).exists()


def recognised_by(email: str, *, device: str, address: str) -> str:
    """Which of the two this account was signed in from before; empty for a stranger to it."""
    found = Session.objects.filter(user__email=email, is_disowned=False).aggregate(
        device=Count("pk", filter=Q(device=device, kind=Session.Kind.BROWSER)),
        address=Count("pk", filter=Q(address=address)),
    )
    if found["device"]:
        return device
    return address if found["address"] else ""
