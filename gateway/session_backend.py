"""Interface to the sessions of the application, which the gateway does not know."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionBackend:
    """`key` names a session's status in Redis; `look_up` reads the status from PostgreSQL and stores it there."""

    key: Callable[[object], str]
    look_up: Callable[[uuid.UUID], str]
