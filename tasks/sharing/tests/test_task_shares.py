"""One task shared with one person: it is theirs to see wherever tasks are, and nothing else of its project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.testing.database_state import table_digests
from notifications.models import Notification
from tasks.comments import services as comments
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.members import services as members
from tasks.models import TaskShare
from tasks.projects import services as projects
from tasks.sharing import services
from tasks.tests.factories import CommentFactory, MemberFactory, ProjectFactory, TaskFactory, TaskShareFactory

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TASKS = "/api/v1/tasks/"

pytestmark = pytest.mark.django_db


def share(actor, task, user, role="viewer"):
    new_share = services.add(actor=actor, ref=task.key, role=role, user_id=user.pk)
    user.refresh_from_db()
    return new_share


def keys(client, query=""):
    return [row["key"] for row in client.get(f"{TASKS}?{query}").json()["results"]]


def test_shared_task_is_in_lists_of_the_guest(alice, mallory, project, clients):
    own = ProjectFactory(key="MINE", owner=mallory)
    for hours in (0, 2):
        TaskFactory(project=own, created_at=MONDAY + timedelta(hours=hours), due_date=MONDAY.date())
    shared = TaskFactory(project=project, title="Paint", created_at=MONDAY + timedelta(hours=1), due_date=MONDAY.date())
    TaskFactory(project=project, title="Paint it black")
    share(alice, shared, mallory)
    reader = clients["mallory"]

    assert keys(reader) == ["MINE-2", "OPS-1", "MINE-1"]
    assert keys(reader, "status=todo&ordering=created_at") == ["MINE-1", "OPS-1", "MINE-2"]
    assert sorted(keys(reader, "ordering=due_date")) == ["MINE-1", "MINE-2", "OPS-1"]
    assert keys(reader, "search=paint") == ["OPS-1"]
    assert keys(reader, f"creator={alice.pk}") == ["OPS-1"]
    assert keys(reader, "page=1&limit=2") == ["MINE-2", "OPS-1"]
    assert keys(reader, "status=unheard-of") == []
    assert reader.get(f"{TASKS}stats/").json()["total"] == 3


def test_shared_task_is_readable_by_key_and_id(alice, mallory, task, clients):
    before = clients["mallory"].get(f"{TASKS}{task.key}/").status_code

    share(alice, task, mallory)

    statuses = [clients["mallory"].get(f"{TASKS}{ref}/").status_code for ref in (task.key, task.pk)]
    assert (before, statuses) == (404, [200, 200])


def test_guest_sees_nothing_else_of_the_project(alice, mallory, project, task, label, clients):
    parent = TaskFactory(project=project, title="Secret plan")
    task.parent = parent
    task.save()
    TaskFactory(project=project, parent=task, title="Secret part")
    share(alice, task, mallory, "editor")
    reader = clients["mallory"]

    detail = reader.get(f"{TASKS}{task.key}/")
    listed = reader.get(TASKS)

    assert (detail.json()["parent"], [row["parent"] for row in listed.json()["results"]]) == (None, [None])
    assert "Secret" not in detail.text + listed.text
    assert reader.get("/api/v1/projects/OPS/").status_code == 404
    assert reader.get("/api/v1/labels/").json()["results"] == []
    assert items_selectors.get_task(mallory, task.key).parent is None
    assert items_selectors.get_task(alice, task.key).parent == parent


def test_activity_hides_parents_from_guests(alice, mallory, project, task, clients, outbox):
    parents = TaskFactory.create_batch(2, project=project)
    share(alice, task, mallory, "editor")
    for parent in parents:
        changes = {"parent": str(parent.pk), "title": f"Below {parent.number}"}
        items.update(actor=alice, ref=task.key, changes=changes, now=timezone.now())

    own, guests = (clients[name].get(f"{TASKS}{task.key}/activity/") for name in ("alice", "mallory"))

    assert [set(row["changes"]) for row in own.json()["results"]] == [{"parent", "title"}] * 2
    assert [set(row["changes"]) for row in guests.json()["results"]] == [{"title"}] * 2
    assert [parent.pk for parent in parents if str(parent.pk) in guests.text] == []


def test_member_who_is_also_a_guest_elsewhere_is_shown_parents(alice, bob, project, task, clients):
    other = TaskFactory(project=ProjectFactory(key="ZETA"))
    TaskShareFactory(task=other, user=bob)
    task.parent = TaskFactory(project=project)
    task.save()

    assert clients["bob"].get(f"{TASKS}{task.key}/").json()["parent"]["key"] == "OPS-2"
    assert sorted(keys(clients["bob"])) == ["OPS-1", "OPS-2", "ZETA-1"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"title": "New"}, 200),
        ({"status": "done", "priority": "high"}, 200),
        ({"labels": ["mine"]}, 403),
        ({"assignees": []}, 403),
        ({"parent": None}, 403),
    ],
)
def test_editor_of_one_task_changes_what_is_its_own(changes, status, alice, mallory, project, task, clients):
    share(alice, task, mallory, "editor")
    reader, before = clients["mallory"], table_digests()

    response = reader.patch(f"{TASKS}{task.key}/", changes)

    assert response.status_code == status
    assert (table_digests() == before) is (status == 403)


def test_higher_role_on_one_task_is_a_viewers_too(alice, viewer, task, clients):
    refused = clients["viewer"].patch(f"{TASKS}{task.key}/", {"title": "New"}).status_code
    share(alice, task, viewer, "editor")

    assert (refused, clients["viewer"].patch(f"{TASKS}{task.key}/", {"title": "New"}).status_code) == (403, 200)
    assert clients["viewer"].patch(f"{TASKS}{task.key}/", {"labels": ["x"]}).status_code == 403


def test_task_of_an_inbox_can_be_shared_with_staff_too(alice, carol, inbox, clients):
    task = TaskFactory(project=inbox)
    before = keys(clients["carol"])

    share(alice, task, carol, "commenter")

    assert (before, keys(clients["carol"]), keys(clients["carol"], "status=todo")) == ([], ["MEALICE-1"], ["MEALICE-1"])
    assert clients["carol"].post(f"{TASKS}{task.key}/comments/", {"body": "Yes."}).status_code == 201
    assert clients["carol"].get(f"/api/v1/projects/{inbox.key}/").status_code == 404


def test_guest_commenter_is_notified_of_replies_and_mentions(alice, mallory, task, outbox):
    share(alice, task, mallory, "commenter")
    CommentFactory(task=task, author=mallory)

    with outbox.delivering():
        comments.add(actor=alice, ref=task.key, body="Thanks, @mallory", now=timezone.now())

    assert Notification.objects.get(kind="mentioned").recipient == mallory


def test_removed_share_ends_access_immediately(alice, mallory, task, clients, outbox):
    share(alice, task, mallory)
    seen = keys(clients["mallory"])

    services.remove(actor=alice, ref=task.key, user_id=mallory.pk)

    assert (seen, keys(clients["mallory"])) == (["OPS-1"], [])
    assert clients["mallory"].get(f"{TASKS}{task.key}/").status_code == 404
    assert outbox.names() == ["user.updated", "task.shared", "task.unshared"]


def test_anybody_may_give_up_what_was_shared_with_them(alice, mallory, task, clients):
    share(alice, task, mallory)

    response = clients["mallory"].delete(f"{TASKS}{task.key}/shares/{mallory.pk}/")

    assert response.status_code == 204
    assert not TaskShare.objects.exists()


def test_repeated_share_changes_the_role_or_nothing(alice, mallory, task, outbox):
    share(alice, task, mallory)
    share(alice, task, mallory, "editor")
    before = table_digests()
    again = share(alice, task, mallory, "editor")

    assert (again.role, again.version) == ("editor", 2)
    assert table_digests() == before
    assert outbox.names() == ["user.updated", "task.shared", "task.shared"]


def test_removed_member_loses_shares_in_the_project(alice, bob, project, task):
    share(alice, task, bob, "editor")

    members.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())

    with pytest.raises(NotFound):
        items_selectors.get_task(User.objects.get(pk=bob.pk), task.key)
    assert not TaskShare.objects.exists()


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("by a commenter", NotAllowed),
        ("by a guest editor", NotAllowed),
        ("by a stranger", NotFound),
        ("with oneself", Invalid),
        ("with nobody", Invalid),
        ("with somebody deactivated", Invalid),
        ("in an archived project", Conflict),
    ],
)
def test_task_is_not_shared(case, error, alice, bob, carol, mallory, commenter, project, task):
    actor = {"by a commenter": commenter, "by a guest editor": mallory, "by a stranger": mallory}.get(case, alice)
    email = {"with oneself": alice.email, "with nobody": "nobody@example.com"}.get(case, carol.email)
    if case == "by a guest editor":
        share(alice, task, mallory, "editor")
    if case == "with somebody deactivated":
        User.objects.filter(pk=carol.pk).update(is_active=False)
    if case == "in an archived project":
        projects.archive(actor=alice, ref="OPS", now=timezone.now())
    before = table_digests()

    with pytest.raises(error):
        services.add(actor=actor, ref=task.key, role="viewer", email=email)

    assert table_digests() == before


def test_list_of_a_guest_costs_the_same_however_much_there_is(alice, mallory, project, clients, queries):
    own = ProjectFactory(key="MINE", owner=mallory)
    share(alice, TaskFactory(project=project, parent=TaskFactory(project=project)), mallory)
    clients["mallory"].get(TASKS)
    with queries() as small:
        clients["mallory"].get(TASKS)
    for _ in range(5):
        TaskFactory(project=own, parent=TaskFactory(project=own))
        share(alice, TaskFactory(project=project, parent=TaskFactory(project=project)), mallory)

    with queries(equal_to=small):
        clients["mallory"].get(TASKS)


def test_user_without_shares_costs_no_extra_queries(alice, bob, project, clients, queries):
    MemberFactory(project=ProjectFactory(key="ZETA"), user=bob)

    with queries() as spent:
        for query in ("", "status=todo", "assignee=me", "ordering=due_date", "page=1"):
            clients["bob"].get(f"{TASKS}?{query}")

    assert [one for one in spent.statements if "taskshare" in one or "projectteam" in one] == []
