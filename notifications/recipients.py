from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from notifications.models import NotificationTarget
from tasks.members import selectors as members_selectors
from tasks.sharing import selectors as sharing_selectors


def eligible_recipients(user_ids: Iterable[UUID], subject: NotificationTarget) -> list[User]:
    """Those of these people who are active and can see now what it is about: the task, or else the project or team."""
    if subject.task_id:
        return sharing_selectors.active_readers(subject.task_id, user_ids)
    if subject.project_id:
        return members_selectors.active_members(subject.project_id, user_ids)
    return list(User.objects.active().filter(team_memberships__team=subject.team_id, pk__in=list(user_ids)))
