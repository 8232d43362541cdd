"""Interface to the sessions of the application, which the gateway does not know."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import close_old_connections


@dataclass(frozen=True, slots=True)
class SessionBackend:
    """`key` names a session's status in Redis; `look_up` reads the status from PostgreSQL and stores it there."""

    key: Callable[[object], str]
    look_up: Callable[[uuid.UUID], str]

    def look_up_in_thread(self, session_id: uuid.UUID) -> str:
        """Look up a status on a thread of Django. Its database connection goes back to the pool."""
        try:
            return self.look_up(session_id)
        finally:
            close_old_connections()
