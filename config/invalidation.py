"""What a fact makes stale, for the relay: it ends once more what the writer's own commit hook has ended already."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts import cache as accounts
from core.cache import EVERYBODY, raise_once
from events.models import Event
from tasks import selectors as tasks

OF_PEOPLE = {"user.updated", "user.erased", "user.security_changed"}


def catch_up(events: Sequence[Event], *, everything: bool = False) -> None:
    """Raise the generations these facts concern, or with `everything` all there are; raises RedisError."""
    if everything:
        accounts.refuse_recently_revoked()
        raise_once([EVERYBODY])
        return
    accounts.refuse_sessions([e.payload["session_id"] for e in events if e.name == "session.revoked"])
    accounts.refuse_sessions([e.payload["key"]["id"] for e in events if e.name == "key.revoked"])
    accounts.forget_sessions([e.payload["replaced_id"] for e in events if e.name == "key.rotated"])
    changed = [event.payload["user"]["id"] for event in events if event.name in OF_PEOPLE]
    if changed:
        accounts.forget_liveness(changed)
    # Who saw a project that is gone is written nowhere any more, nor in which projects a team was.
    gone = any(event.name in {"project.deleted", "team.deleted"} or "team.member" in event.name for event in events)
    raise_once({*_watchers(events), *([EVERYBODY] if changed or gone else [])})


def _watchers(events: Sequence[Event]) -> set[str]:
    named = [event.payload.get("task") or event.payload.get("project") or {} for event in events]
    projects = {UUID(key) for words in named if (key := words.get("project_id") or words.get("id"))}
    left = {event.payload["user_id"] for event in events if event.name in {"project.member_removed", "task.unshared"}}
    left |= {key for event in events if event.name == "project.team_removed" for key in event.payload["user_ids"]}
    return left | {str(key) for key in tasks.watchers_of(projects)}
