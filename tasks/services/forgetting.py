from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import TeamMember, User
from core.errors import Conflict
from tasks import selectors
from tasks.models import Project, ProjectMember, Task, TaskShare
from tasks.services.assigning import unassign
from tasks.services.deleting import delete_task
from tasks.services.members import remove_member
from tasks.services.shared import forget_answers
from tasks.services.teams import release_departed


@transaction.atomic
def forget_person(person_id: uuid.UUID, now: datetime) -> None:
    """Delete what was theirs alone, take them out of what they shared; what they did with others stays."""
    person: User = User.objects.get(pk=person_id)
    inbox = selectors.inbox_of(person)
    if inbox is not None:
        _delete_inbox(person, inbox, now)
    TaskShare.objects.filter(user=person).delete()
    TeamMember.objects.filter(user=person).delete()
    for membership in ProjectMember.objects.filter(user=person).select_related("project").order_by("pk"):
        _take_out(person, membership.project, now)
    release_departed(user_ids=[person.pk], now=now)


def _delete_inbox(person: User, inbox: Project, now: datetime) -> None:
    Project.objects.filter(pk=inbox.pk).update(archived_at=None)
    for task_id in Task.objects.filter(project=inbox).order_by("-pk").values_list("pk", flat=True):
        delete_task(actor=person, ref=str(task_id), now=now)
    forget_answers(inbox, person.pk)
    inbox.delete()


def _take_out(person: User, project: Project, now: datetime) -> None:
    """The last admin of a project stays one in name, so that it is still somebody's; their tasks become free."""
    try:
        remove_member(actor=person, ref=str(project.pk), user_id=person.pk, now=now)
    except Conflict:
        unassign(actor=person, project=project, user_id=person.pk, now=now)
