"""What is remembered about people: the key, the life and the end of each answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from core.cache import forget_after_commit, remember

PROFILE_SECONDS = 3600


def profile(user_id: uuid.UUID, *, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A person's own profile; ended by forget_profile, which every write to a person calls."""
    return remember(f"profile:{user_id}", "me", seconds=PROFILE_SECONDS, build=build)


def forget_profile(user_id: uuid.UUID) -> None:
    forget_after_commit([f"profile:{user_id}"])
