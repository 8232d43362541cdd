"""Eligibility: users who may be notified about a task, a project or a team."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from notifications.models import NotificationTarget
from tasks.members import selectors as members_selectors
from tasks.sharing import selectors as sharing_selectors


def eligible_recipients(user_ids: Iterable[UUID], target: NotificationTarget) -> list[User]:
    """Return those of the users who are active and can see the target now."""
    # A task first: a guest sees a shared task but not the project around it.
    if target.task_id:
        return sharing_selectors.active_readers(target.task_id, user_ids)
    if target.project_id:
        return members_selectors.active_members(target.project_id, user_ids)
    return list(User.objects.active().filter(team_memberships__team=target.team_id, pk__in=list(user_ids)))
