"""What the gateway, which knows no app, is told about sessions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import close_old_connections


@dataclass(frozen=True, slots=True)
class SessionBackend:
    """`key` is where a session's liveness is kept, `look_up` asks PostgreSQL and keeps it."""

    key: Callable[[object], str]
    look_up: Callable[[uuid.UUID], str]

    def look_up_in_thread(self, session_id: uuid.UUID) -> str:
        """Give the thread's database connection back to the pool, as Django does at the end of a request."""
        try:
            return self.look_up(session_id)
        finally:
            close_old_connections()
