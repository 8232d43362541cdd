"""Reactions of tasks to events of accounts."""

from __future__ import annotations

import uuid

from core.clock import current_time
from events.models import Event
from tasks.members import invitations, teams
from tasks.models import Task
from tasks.reminders import sending as reminders
from tasks.watching import services as watching


def accept_project_invitation(event: Event) -> None:
    """Add the accepting user to the project that the invitation leads to, if any."""
    invitations.accept_invitation(invitation_id=uuid.UUID(event.payload["invitation_id"]))


def unassign_former_team_members(event: Event) -> None:
    """Unassign users who left a team from the projects that they are no longer in."""
    # team.deleted names all the members, team.member_removed one.
    user_ids = event.payload["user_ids"] if "user_ids" in event.payload else [event.payload["user_id"]]
    teams.unassign_former_members(user_ids=[uuid.UUID(user_id) for user_id in user_ids], now=current_time())


def reschedule_reminders(event: Event) -> None:
    """Compute a user's reminders anew when their time zone or reminder time has changed."""
    if event.payload["changes"].keys() & {"time_zone", "reminder_time"}:
        reminders.mark_stale([uuid.UUID(event.payload["user"]["id"])], current_time())


def watch_mentioned(event: Event) -> None:
    """Let the users whom a comment or description names watch the task."""
    task_id = uuid.UUID(event.payload["task"]["id"])
    # The task may have been deleted since.
    if event.payload["mentioned_ids"] and Task.objects.filter(pk=task_id).exists():
        watching.watch_for(task_id=task_id, user_ids=event.payload["mentioned_ids"])
