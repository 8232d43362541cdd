from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from tasks.models import Task
from tasks.tests.factories import AssigneeFactory, MemberFactory, ProjectFactory, TaskFactory

STATS = "/api/v1/tasks/stats/"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(project, bob):
    states = {state.slug: state for state in project.states.all()}
    TaskFactory(project=project, priority=4, due_date=date(2026, 5, 1), created_at=NOW - timedelta(hours=10))
    TaskFactory(
        project=project,
        state=states["in_progress"],
        created_at=NOW - timedelta(hours=20),
        due_at=NOW + timedelta(hours=1),
    )
    TaskFactory(
        project=project, state=states["done"], created_at=NOW - timedelta(hours=9), closed_at=NOW - timedelta(hours=3)
    )
    TaskFactory(project=project, state=states["cancelled"], created_at=NOW - timedelta(hours=90), closed_at=NOW)
    elsewhere = TaskFactory(project=ProjectFactory(key="ZETA", owner=project.owner), created_at=NOW)
    AssigneeFactory(task=elsewhere, user=project.owner)
    TaskFactory()


def test_stats_are_exact(counted, clients):
    with time_machine.travel(NOW, tick=False):
        response = clients["alice"].get(f"{STATS}?project=OPS")

    assert response.json() == {
        "total": 4,
        "open": 2,
        "overdue": 1,
        "by_category": {"todo": 1, "in_progress": 1, "done": 1, "cancelled": 1},
        "by_status": {"cancelled": 1, "done": 1, "in_progress": 1, "todo": 1},
        "by_priority": {"none": 3, "low": 0, "medium": 0, "high": 0, "urgent": 1},
        "average_age_hours": 15.0,
        "average_hours_to_done": 6.0,
    }


def test_stats_count_visible_tasks_only(counted, clients):
    totals = {who: clients[who].get(STATS).json()["total"] for who in ("alice", "bob", "mallory", "carol")}

    assert totals == {"alice": 5, "bob": 4, "mallory": 0, "carol": 6}
    assert clients["alice"].get(f"{STATS}?assignee=me").json()["total"] == 1
    assert clients["alice"].get(f"{STATS}?assignee=me,none").json()["total"] == 5


def test_stats_without_tasks_are_zero_without_averages(clients, mallory):
    response = clients["mallory"].get(STATS).json()

    assert (response["total"], response["average_age_hours"], response["average_hours_to_done"]) == (0, None, None)


def test_repeated_stats_are_served_from_cache(counted, clients, queries):
    clients["alice"].get(STATS)

    with queries() as spent:
        clients["alice"].get(STATS)

    assert not [statement for statement in spent.statements if "tasks_task" in statement]


WRITES = {
    "create": lambda c: c["alice"].post("/api/v1/tasks/", {"title": "x", "project": "OPS"}),
    "update": lambda c: c["alice"].patch("/api/v1/tasks/OPS-1/", {"status": "done"}),
    "assign": lambda c: c["alice"].patch("/api/v1/tasks/OPS-1/", {"priority": "low"}),
    "delete": lambda c: c["alice"].delete("/api/v1/tasks/OPS-1/"),
    "another's write": lambda c: c["bob"].patch("/api/v1/tasks/OPS-2/", {"status": "done"}),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("reader", ["alice", "bob", "carol"])
def test_stats_after_write_include_it(write, reader, counted, clients, django_capture_on_commit_callbacks):
    before = clients[reader].get(STATS).json()

    with django_capture_on_commit_callbacks(execute=True):
        response = WRITES[write](clients)

    after = clients[reader].get(STATS).json()
    assert response.status_code < 300
    assert after != before
    assert after["total"] == Task.objects.filter(project__in=visible(reader)).count()


def visible(reader):
    from accounts.models import User
    from tasks.models import Project

    return Project.objects.visible_to(User.objects.get(handle=reader))


def test_new_member_counts_at_once_and_one_removed_no_more(
    counted, clients, mallory, django_capture_on_commit_callbacks
):
    url = "/api/v1/projects/OPS/members/"
    totals = [clients["mallory"].get(STATS).json()["total"]]
    for change in (
        lambda: clients["alice"].post(url, {"user": str(mallory.pk), "role": "viewer"}),
        lambda: clients["alice"].delete(f"{url}{mallory.pk}/"),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            change()
        totals.append(clients["mallory"].get(STATS).json()["total"])

    assert totals == [0, 4, 0]


def test_failed_write_keeps_cached_stats(counted, clients, queries):
    clients["alice"].get(STATS)
    clients["alice"].patch("/api/v1/tasks/OPS-1/", {"status": "nonsense"})

    with queries() as spent:
        clients["alice"].get(STATS)

    assert not [statement for statement in spent.statements if "tasks_task" in statement]


def test_stats_of_a_foreign_project_are_not_found(counted, clients, mallory):
    MemberFactory(user=mallory)

    answers = [clients["mallory"].get(f"{STATS}?project={ref}") for ref in ("OPS", "NONE")]

    assert [response.status_code for response in answers] == [404, 404]
    assert answers[0].content == answers[1].content
