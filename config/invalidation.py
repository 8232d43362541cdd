"""What a fact makes stale, for the relay: it ends once more what the writer's own commit hook has ended already."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts import cache as accounts
from core.cache import EVERYBODY, raise_once
from events.models import Event
from tasks import selectors as tasks


def catch_up(events: Sequence[Event], *, everything: bool = False) -> None:
    """Raise the generations these facts concern, or with `everything` all there are; raises RedisError."""
    if everything:
        accounts.refuse_recently_revoked()
        raise_once([EVERYBODY])
        return
    accounts.refuse_sessions([e.payload["session_id"] for e in events if e.name == "session.revoked"])
    changed = [event.payload["user"]["id"] for event in events if event.name == "user.updated"]
    if changed:
        accounts.forget_liveness(changed)
    # Who saw a project that is gone is written nowhere any more.
    gone = any(event.name == "project.deleted" for event in events)
    raise_once({*_watchers(events), *([EVERYBODY] if changed or gone else [])})


def _watchers(events: Sequence[Event]) -> set[str]:
    named = [event.payload.get("task") or event.payload.get("project") or {} for event in events]
    projects = {UUID(key) for words in named if (key := words.get("project_id") or words.get("id"))}
    left = {event.payload["user_id"] for event in events if event.name == "project.member_removed"}
    return left | {str(key) for key in tasks.watchers_of(projects)}
