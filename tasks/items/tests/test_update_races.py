"""Writers of what several rows decide together: which task is below which, and who reads the project."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction
from django.utils import timezone

from core.cache import generation
from core.errors import Invalid
from core.testing.concurrency import run_concurrently
from tasks.items import services
from tasks.items.hierarchy import MAX_DEPTH
from tasks.models import Role, Task
from tasks.tests.factories import MemberFactory, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)
LONG_ENOUGH = 0.3


def update(actor, task, **changes):
    return services.update(actor=actor, ref=str(task.pk), changes=changes, now=timezone.now())


def overlapping(first, then):
    """Run `then` while what `first` has written is not committed yet."""
    written = threading.Event()

    def begin():
        with transaction.atomic():
            first()
            written.set()
            time.sleep(LONG_ENOUGH)

    def follow():
        written.wait(10)
        return then()

    return run_concurrently([begin, follow])


def test_concurrent_parent_changes_make_no_cycle(alice, project):
    one, other = TaskFactory.create_batch(2, project=project)

    outcomes = overlapping(lambda: update(alice, one, parent=other.pk), lambda: update(alice, other, parent=one.pk))

    assert isinstance(outcomes[1], Invalid)
    assert dict(Task.objects.values_list("pk", "parent")) == {one.pk: other.pk, other.pk: None}


def test_cached_stats_of_concurrent_joiner_are_invalidated(alice, carol, project, task):
    """She may have read, and remembered, the task as it was."""
    carol.role = "user"
    carol.save(update_fields=["role"])
    read = []

    def join():
        MemberFactory(project=project, user=carol, role=Role.VIEWER)
        read.append(generation(str(carol.pk)))

    overlapping(lambda: update(alice, task, title="New title"), join)

    assert read[0] is not None
    assert generation(str(carol.pk)) != read[0]


def test_concurrent_parent_changes_respect_the_depth(alice, project):
    """Each alone stays within the limit: one puts a task on the last level, the other makes its ancestors deeper."""
    ancestor = root = TaskFactory(project=project)
    for _ in range(MAX_DEPTH - 2):
        ancestor = TaskFactory(project=project, parent=ancestor)
    leaf, top = TaskFactory.create_batch(2, project=project)

    outcomes = overlapping(lambda: update(alice, leaf, parent=ancestor.pk), lambda: update(alice, root, parent=top.pk))

    assert (outcomes[1].code, Task.objects.get(pk=root.pk).parent) == ("too_deep", None)
