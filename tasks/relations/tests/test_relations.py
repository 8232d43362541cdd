"""Relations: both sides, circles (also of requests at once), and what others may not learn."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone

from accounts.tests.api_keys import api_key_client, create_api_key
from core.errors import Conflict
from core.testing.concurrency import interleave, run_concurrently
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.models import Role, TaskRelation
from tasks.models.relation import MAX_RELATIONS
from tasks.relations import services
from tasks.relations.selectors import LABELS
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory, TaskRelationFactory, TaskShareFactory

pytestmark = pytest.mark.django_db


def url(task, relation=None):
    return f"/api/v1/tasks/{task.key}/relations/" + (f"{relation}/" if relation else "")


def kinds(client, task):
    return [(row["kind"], row["task"]["key"]) for row in client.get(url(task)).json()["results"]]


def test_relation_is_read_from_both_sides(clients, task):
    client = clients["alice"]
    others = [TaskFactory(project=task.project) for _ in LABELS]
    inverse = {"blocks": "blocked_by", "duplicates": "duplicated_by", "follows": "followed_by", "relates": "relates"}
    inverse |= {right: left for left, right in inverse.items()}

    answers = [
        client.post(url(task), {"kind": kind, "task": other.key}) for kind, other in zip(LABELS, others, strict=True)
    ]

    assert {answer.status_code for answer in answers} == {201}
    assert answers[0].json()["task"]["key"] == others[0].key
    assert kinds(client, task) == [(kind, other.key) for kind, other in zip(LABELS, others, strict=True)]
    for kind, other in zip(LABELS, others, strict=True):
        assert kinds(client, other) == [(inverse[kind], task.key)]
    assert Event.objects.filter(name="task.relation_added", subject_id=task.pk).count() == len(LABELS)
    for other, answer in zip(others, answers, strict=True):
        # From the other side too.
        assert client.delete(url(other, answer.json()["id"])).status_code == 204
    assert not TaskRelation.objects.exists()


def test_relation_that_makes_no_sense_is_refused(clients, task):
    client = clients["alice"]
    second, third = TaskFactory(project=task.project), TaskFactory(project=task.project)
    TaskRelationFactory(source=task, target=second)
    TaskRelationFactory(source=second, target=third)
    before = list(TaskRelation.objects.values().order_by("pk"))

    answers = [
        (client.post(url(task), {"kind": "blocks", "task": task.key}), 400, "itself"),
        (client.post(url(third), {"kind": "blocks", "task": task.key}), 400, "circle"),
        (client.post(url(task), {"kind": "blocked_by", "task": third.key}), 400, "circle"),
        (client.post(url(task), {"kind": "blocks", "task": "OPS-99"}), 400, "does_not_exist"),
        (client.post(url(task), {"kind": "knows", "task": third.key}), 400, "invalid_choice"),
    ]
    twice = client.post(url(task), {"kind": "blocks", "task": second.key})

    for answer, status, code in answers:
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_related")
    assert list(TaskRelation.objects.values().order_by("pk")) == before
    # The other way round is no circle for another kind.
    assert client.post(url(third), {"kind": "follows", "task": task.key}).status_code == 201


def test_relation_to_a_hidden_task_is_invisible(clients, task, bob, viewer):
    hidden = TaskFactory(title="Secret plan")
    relation = TaskRelationFactory(source=hidden, target=task)
    guess = clients["bob"].post(url(task), {"kind": "blocks", "task": hidden.key})
    missing = clients["bob"].post(url(task), {"kind": "blocks", "task": "NONE-1"})
    removal = clients["bob"].delete(url(task, relation.pk))
    page = logged_in_client(bob).get(f"/tasks/{task.key}/").content.decode()

    assert kinds(clients["bob"], task) == []
    assert guess.json()["errors"] == missing.json()["errors"]
    assert removal.status_code == 404
    assert "Secret plan" not in page
    assert hidden.key not in page
    assert "Blocked" not in page.split("</h1>")[1].split("with-aside")[0]
    assert TaskRelation.objects.count() == 1


def test_relation_outside_the_projects_of_a_key_is_hidden(task, alice):
    elsewhere = TaskFactory(project__owner=alice)
    TaskRelationFactory(source=task, target=elsewhere)
    client = api_key_client(create_api_key(alice, projects=[task.project.key]).text)

    listed = client.get(url(task))
    added = client.post(url(task), {"kind": "relates", "task": elsewhere.key})

    assert (listed.status_code, listed.json()["results"]) == (200, [])
    assert added.status_code == 404
    assert TaskRelation.objects.count() == 1


def test_blocked_task_says_so_until_the_blocker_is_closed(clients, task, alice):
    blocker = TaskFactory(project=task.project)
    page = logged_in_client(alice)
    page.post(f"/tasks/{task.key}/relations/", {"kind": "blocked_by", "task": blocker.key.lower()})

    blocked = page.get(f"/tasks/{task.key}/").content.decode()
    clients["alice"].patch(f"/api/v1/tasks/{blocker.key}/", {"status": "done"})
    freed = page.get(f"/tasks/{task.key}/").content.decode()

    assert 'href="#relations"' in blocked
    assert 'href="#relations"' not in freed
    assert "added a relation" in freed


@pytest.mark.django_db(transaction=True)
def test_relations_added_at_once_close_no_circle(alice):
    tasks = [TaskFactory(project=ProjectFactory(owner=alice)) for _ in range(4)]
    following = [*tasks[1:], tasks[0]]

    def relate(source, target):
        return services.add(actor=alice, ref=source.key, kind="blocks", task=target.key, now=timezone.now())

    pairs = zip(tasks, following, strict=True)
    outcomes = run_concurrently([partial(relate, source, target) for source, target in pairs])

    assert sum(isinstance(outcome, TaskRelation) for outcome in outcomes) == 3
    assert TaskRelation.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_relations_added_at_once_keep_the_limit(alice, task):
    ends = [TaskFactory(project=ProjectFactory(owner=alice)) for _ in range(2)]
    for _ in range(MAX_RELATIONS - 1):
        TaskRelationFactory(source=task, target=TaskFactory(project=task.project))

    # From the other end, in projects that share no lock.
    outcomes = interleave(
        *(
            partial(services.add, actor=alice, ref=end.key, kind="relates", task=task.key, now=timezone.now())
            for end in ends
        )
    )

    assert [type(outcome) for outcome in outcomes] == [TaskRelation, Conflict]
    assert outcomes[1].code == "too_many_relations"
    assert TaskRelation.objects.count() == MAX_RELATIONS


def test_relation_of_an_editor_of_one_side_is_kept(clients, task, bob):
    other = TaskFactory()
    MemberFactory(project=other.project, user=bob, role=Role.VIEWER)

    # He may read the other task, and change this one.
    assert clients["bob"].post(url(task), {"kind": "blocked_by", "task": other.key}).status_code == 201
    assert clients["bob"].post(url(other), {"kind": "blocks", "task": task.key}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_relation_removed_from_both_sides_has_one_event_each(alice, task):
    other = TaskFactory(project=task.project)
    relation = TaskRelationFactory(source=task, target=other)

    outcomes = run_concurrently(
        partial(services.remove, actor=alice, ref=end.key, relation_id=relation.pk, now=timezone.now())
        for end in (task, other)
    )

    assert sum(outcome is None for outcome in outcomes) == 1
    assert Event.objects.filter(name="task.relation_removed").count() == 2


def test_relation_by_a_guest_keeps_the_parent_in_events(task, mallory):
    parent = TaskFactory(project=task.project)
    child = TaskFactory(project=task.project, parent=parent)
    for shared in (task, child):
        TaskShareFactory(task=shared, user=mallory, role="editor")
    type(mallory).objects.filter(pk=mallory.pk).update(is_guest=True)
    mallory.refresh_from_db()

    services.add(actor=mallory, ref=task.key, kind="relates", task=child.key, now=timezone.now())

    event = Event.objects.get(name="task.relation_added", subject_id=child.pk)
    assert event.payload["task"]["parent_id"] == str(parent.pk)
