"""The hot lists at 200,000 tasks: from an index, within bounds, the first page like the thousandth.

`python -m benchmarks.plans` asks the same of a million. Plans depend on the statistics, so the data is real enough:
projects of very different sizes, nine of ten tasks closed, people in 1, 20 and 200 projects, staff who see all, and one with shares.
"""

from __future__ import annotations

import pytest
from django.db import connection

from accounts.models import User
from benchmarks import data, plans
from tasks.models import ProjectMember, Task
from tasks.tests.factories import TaskShareFactory

# It also makes pytest-django set a database up: without a mark there is none but the one of DATABASE_URL.
pytestmark = pytest.mark.django_db
TASKS = 200_000
PEOPLE = {
    "one project": "bench2",
    "twenty projects": "bench3",
    "two hundred projects": "bench4",
    "all projects": "bench1",
    "twenty projects, and tasks of others": "bench6",
}


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker):
    """Loaded once, and taken away again with the transaction."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        data.load(TASKS)
        share(User.objects.get(handle="bench3"), User.objects.get(handle="bench6"))
        yield
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def share(member, guest):
    """Share thirty tasks, the oldest and the newest, with a member of as many projects.

    The loading has switched the triggers off until the transaction ends.
    """
    ProjectMember.objects.filter(user=guest).delete()
    for project_id in ProjectMember.objects.filter(user=member).values_list("project_id", flat=True):
        ProjectMember.objects.create(project_id=project_id, user=guest, effective_role="editor")
    foreign = Task.objects.exclude(project__in=guest.project_memberships.values("project"))
    newest = foreign.order_by("-created_at")
    for task in [*newest[:15], *newest.reverse()[:15]]:
        TaskShareFactory(task=task, user=guest)


def test_frequent_lists_use_indexes_within_bounds(company, subtests):
    # One test, because two workers would load the company twice.
    for reader, handle in PEOPLE.items():
        user = User.objects.get(handle=handle)
        for question in plans.QUERIES:
            with subtests.test(f"{question}, {reader}"):
                explained = [plans.explain(user, question, page) for page in (1, 1000)]

                for plan in explained:
                    assert not plan.scanned, plan.text
                    assert plan.buffers <= plans.QUERIES[question], plan.text
