"""Reading sessions. The sessions behind a token and a cookie are read at every request."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from accounts.auth.mfa.enforcement import mfa_setup_required
from accounts.models import Session, User
from accounts.models.sessions import has_mfa_subquery
from core.sql_templates import Param, Statement, select_columns

# The columns of a session and its user that a request needs: a page also compares the password's hash.
SESSION_COLUMNS = ["id", "user_id", "created_at", "expires_at"]
USER_COLUMNS = [field.attname for field in User._meta.concrete_fields if field.attname != "password"]
COLUMNS = {
    Session.Kind.API: (SESSION_COLUMNS, USER_COLUMNS),
    Session.Kind.BROWSER: (select_columns(Session), select_columns(User)),
}
MAX_CACHED_ROWS = 10_000


class RowCache:
    """Cache of session rows with their users in this process, all of one generation.

    Generation and rows are one value, so that no thread mixes rows of two generations.
    """

    def __init__(self) -> None:
        self._cached: tuple[str, dict[uuid.UUID, tuple[Any, ...]]] = ("", {})

    def rows_for(self, as_of: str) -> dict[uuid.UUID, tuple[Any, ...]]:
        """Return the rows of this generation by id, to read and to add to; without one, an empty dict of no use."""
        if not as_of:
            return {}
        generation, rows = self._cached
        if generation != as_of or len(rows) >= MAX_CACHED_ROWS:
            rows = {}
            self._cached = (as_of, rows)
        return rows


_row_cache = RowCache()


def get_active_api_session(session_id: uuid.UUID, now: datetime, *, as_of: str = "") -> Session | None:
    """Return the session behind a token with its user, while both are active.

    `as_of` is the global generation of a request whose session the gateway has just found active. Every change to a
    user replaces the generation; until then the cached row is current.
    """
    cached = _row_cache.rows_for(as_of)
    session = _session_from_row(Session.Kind.API, cached[session_id]) if session_id in cached else None
    # A restricted session is read anew: its user may set up MFA at any moment, which replaces no generation.
    if session is None or session.mfa_setup_required:
        rows = _active_session_statement(Session.Kind.API).run({"now": now, "id": session_id})
        if not rows:
            return None
        cached[session_id] = rows[0]
        session = _session_from_row(Session.Kind.API, rows[0])
    return session if session.expires_at > now else None


def get_active_browser_session(session_id: uuid.UUID, now: datetime) -> Session | None:
    """Return the session behind a browser's cookie with its user, while both are active."""
    for row in _active_session_statement(Session.Kind.BROWSER).run({"now": now, "id": session_id}):
        return _session_from_row(Session.Kind.BROWSER, row)
    return None


@lru_cache(maxsize=2)
def _active_session_statement(kind: Session.Kind) -> Statement:
    now: Any = Param("now")
    session_columns, user_columns = COLUMNS[kind]
    rows = Session.objects.alive(now).filter(pk=Param("id"), kind=kind)
    columns: list[Any] = [*session_columns, *(f"user__{name}" for name in user_columns), has_mfa_subquery("user_id")]
    return Statement.always(rows.values_list(*columns))


def _session_from_row(kind: Session.Kind, row: tuple[Any, ...]) -> Session:
    session_columns, user_columns = COLUMNS[kind]
    session = Session.from_db("default", session_columns, row[: len(session_columns)])
    user = session.user = User.from_db("default", user_columns, row[len(session_columns) : -1])
    session.mfa_setup_required = mfa_setup_required(kind=user.kind, role=user.role, has_mfa=row[-1])
    return session


def get_refreshable_session(session_id: uuid.UUID, user_id: uuid.UUID, now: datetime) -> Session | None:
    """Return the session that a refresh token names with its user, while both are active."""
    rows = Session.objects.alive(now).filter(pk=session_id, user=user_id, kind=Session.Kind.API)
    return rows.select_related("user").first()


def get_session_with_user(session_id: uuid.UUID) -> Session | None:
    """Return the row as PostgreSQL has it now, past all caches."""
    return Session.objects.select_related("user").filter(pk=session_id).first()


def list_sessions(user: User, now: datetime) -> QuerySet[Session]:
    """Return the user's active sessions in browsers and API clients."""
    return Session.objects.alive(now).filter(user=user)
