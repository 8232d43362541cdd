"""Cache invalidation by the relay.

It repeats what the writer's commit hook did, for writers that died between the commit and the hook.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts.auth.sessions import cache as accounts
from core.cache import GLOBAL_SCOPE, bump_generations_once
from events.models import Event
from tasks.projects import selectors as projects_selectors

# Names and pictures of users are part of the responses of all who work with them.
USER_EVENTS = {"user.updated", "user.erased", "user.security_changed"}


def invalidate(events: Sequence[Event], *, invalidate_all: bool = False) -> None:
    """Invalidate the caches that these events concern, or all caches; raises RedisError."""
    if invalidate_all:
        # A new generation does not end a session: its status is a key of its own.
        accounts.mark_recently_revoked()
        bump_generations_once([GLOBAL_SCOPE])
        return
    accounts.mark_revoked([e.payload["session_id"] for e in events if e.name == "session.revoked"])
    accounts.mark_revoked([e.payload["key"]["id"] for e in events if e.name == "api_key.revoked"])
    accounts.invalidate_statuses([e.payload["replaced_id"] for e in events if e.name == "api_key.rotated"])
    user_ids = [event.payload["user"]["id"] for event in events if event.name in USER_EVENTS]
    if user_ids:
        accounts.invalidate_statuses_of_users(user_ids)
    # The former viewers of a deleted project, and the projects of a team, cannot be looked up any more.
    invalidate_global = bool(user_ids) or any(
        event.name in {"project.deleted", "team.deleted"} or "team.member" in event.name for event in events
    )
    subjects = [event.payload.get("task") or event.payload.get("project") or {} for event in events]
    project_ids = {
        UUID(project_id) for subject in subjects if (project_id := subject.get("project_id") or subject.get("id"))
    }
    scopes = {str(user_id) for user_id in projects_selectors.viewer_ids(project_ids)}
    # Users who have just lost access are no longer among the viewers.
    scopes |= {
        event.payload["user_id"] for event in events if event.name in {"project.member_removed", "task.unshared"}
    }
    for event in events:
        if event.name == "project.team_removed":
            scopes.update(event.payload["user_ids"])
    bump_generations_once(scopes | ({GLOBAL_SCOPE} if invalidate_global else set()))
