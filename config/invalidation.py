"""What a fact makes stale, for the relay: it ends once more what the writer's own commit hook has ended already."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts.auth.sessions import cache as accounts
from core.cache import GLOBAL_SCOPE, bump_generations_once
from events.models import Event
from tasks.projects import selectors as projects_selectors

USER_EVENTS = {"user.updated", "user.erased", "user.security_changed"}


def invalidate(events: Sequence[Event], *, invalidate_all: bool = False) -> None:
    """Raise the generations these facts concern, or with `everything` all there are; raises RedisError."""
    if invalidate_all:
        accounts.mark_recently_revoked()
        bump_generations_once([GLOBAL_SCOPE])
        return
    accounts.mark_revoked([e.payload["session_id"] for e in events if e.name == "session.revoked"])
    accounts.mark_revoked([e.payload["key"]["id"] for e in events if e.name == "api_key.revoked"])
    accounts.invalidate_statuses([e.payload["replaced_id"] for e in events if e.name == "api_key.rotated"])
    changed = [event.payload["user"]["id"] for event in events if event.name in USER_EVENTS]
    if changed:
        accounts.invalidate_statuses_of_users(changed)
    # Who saw a project that is gone is written nowhere any more, nor in which projects a team was.
    gone = any(event.name in {"project.deleted", "team.deleted"} or "team.member" in event.name for event in events)
    bump_generations_once({*_viewer_ids(events), *([GLOBAL_SCOPE] if changed or gone else [])})


def _viewer_ids(events: Sequence[Event]) -> set[str]:
    named = [event.payload.get("task") or event.payload.get("project") or {} for event in events]
    projects = {UUID(key) for words in named if (key := words.get("project_id") or words.get("id"))}
    left = {event.payload["user_id"] for event in events if event.name in {"project.member_removed", "task.unshared"}}
    left |= {key for event in events if event.name == "project.team_removed" for key in event.payload["user_ids"]}
    return left | {str(key) for key in projects_selectors.viewer_ids(projects)}
