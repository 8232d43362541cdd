from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import User
from events.publishing import Fact, publish_all
from tasks import events, selectors
from tasks.models import Task
from tasks.services.shared import check_version, forget_answers, require_current, require_editor


@transaction.atomic
def delete_task(*, actor: User, ref: str, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete a task with its comments; its subtasks stay, and are told that they have no parent any more."""
    task = selectors.lock_task(actor, ref)
    require_editor(actor, task.project)
    require_current(task.project)
    check_version(task, versions, {})
    links = selectors.links_of(task)
    task.version += 1
    state = events.state_of(task, assignee_ids=links.people, labels=links.labels.values())
    fact = events.TaskDeleted(task=state)
    project, orphans = task.project, _release_subtasks(task, now)
    task.delete()
    publish_all([*orphans, fact], actor=actor, at=now)
    forget_answers(project)


def _release_subtasks(task: Task, now: datetime) -> list[Fact]:
    below = list(
        Task.objects.filter(parent=task).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    )
    Task.objects.filter(pk__in=below).update(parent=None, version=F("version") + 1, updated_at=now)
    facts: list[Fact] = []
    for one in Task.objects.filter(pk__in=below).with_people():
        people, labels = [person.pk for person in one.assignees.all()], [label.name for label in one.labels.all()]
        state = events.state_of(one, assignee_ids=people, labels=labels)
        facts.append(events.TaskUpdated(task=state, changes={"parent": [str(task.pk), None]}))
    return facts
