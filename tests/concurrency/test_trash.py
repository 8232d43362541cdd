"""Deletions and restorations at once: one wins, and nothing is lost."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import Conflict, NotFound
from core.testing.concurrency import errors_of_type, run_concurrently
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Comment, Task, TrashEntry
from tasks.projects import services as projects
from tasks.tests.factories import TaskFactory
from tasks.trash import services as trash

pytestmark = pytest.mark.django_db(transaction=True)


def delete(actor, task):
    items.delete(actor=actor, ref=str(task.pk), now=timezone.now())


def restore(actor, entry):
    return trash.restore(actor=actor, entry_id=entry.pk, now=timezone.now())


def test_concurrent_restorations_have_one_winner(alice, task):
    delete(alice, task)
    entry = TrashEntry.objects.get()

    outcomes = run_concurrently([lambda: restore(alice, entry) for _ in range(5)])

    assert len(errors_of_type(outcomes, NotFound)) == 4
    assert (Task.objects.count(), TrashEntry.objects.count()) == (1, 0)


def test_restored_tasks_of_one_position_get_places_of_their_own(alice, project):
    tasks = [TaskFactory(project=project) for _ in range(4)]
    for task in tasks:
        Task.objects.filter(pk=task.pk).update(position="zV")
        delete(alice, task)

    outcomes = run_concurrently([lambda e=entry: restore(alice, e) for entry in TrashEntry.objects.all()])

    assert errors_of_type(outcomes) == []
    assert len(set(Task.objects.values_list("position", flat=True))) == 4


def test_comment_added_during_a_deletion_is_not_lost(alice, bob, task):
    """The comment is either stored with the task, or refused because the task is gone."""
    outcomes = run_concurrently(
        [
            lambda: delete(alice, task),
            lambda: comments.add(actor=bob, ref=str(task.pk), body="Late", now=timezone.now()),
        ]
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, NotFound | Conflict)]
    assert errors_of_type([outcomes[0]]) == []

    restore(alice, TrashEntry.objects.get())

    assert Comment.objects.count() == (0 if refused else 1)


def test_task_created_during_a_project_deletion_is_not_lost(alice, bob, task):
    draft = TaskDraft(title="Late")
    outcomes = run_concurrently(
        [
            lambda: projects.delete(actor=alice, ref="OPS", now=timezone.now()),
            lambda: items.create(actor=bob, project_ref="OPS", draft=draft, now=timezone.now()),
        ]
    )
    failed = [isinstance(outcome, Exception) for outcome in outcomes]
    assert failed != [True, True]
    if not failed[0]:
        restore(alice, TrashEntry.objects.get())

    assert Task.objects.count() == (1 if failed[1] else 2)
