"""A task as it was, and former texts with their differences."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.testing.page_client import logged_in_client, visible_text
from tasks.comments import services as comments
from tasks.history.word_diff import MAX_COMPARISONS, diff_words
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Task
from tasks.tests.factories import LabelFactory, TaskFactory

pytestmark = pytest.mark.django_db
TASKS = "/api/v1/tasks/"
START = timezone.now().replace(microsecond=0) - timedelta(days=10)


def day(number):
    return START + timedelta(days=number)


@pytest.fixture
def history(project, alice, bob):
    """A task that changed every day."""
    parent = TaskFactory(project=project, title="Parent")
    LabelFactory(project=project, name="urgent")
    task = items.create(actor=alice, project_ref="OPS", draft=TaskDraft(title="First", description="one"), now=day(0))
    for number, changes in enumerate(
        (
            {"title": "Second", "labels": ["urgent"]},
            {"description": "one two", "assignees": [bob.pk]},
            {"status": "done", "estimate": 30},
            {"description": "two", "parent": parent.pk, "labels": []},
        ),
        start=1,
    ):
        items.update(actor=alice, ref=str(task.pk), changes=changes, now=day(number))
    return Task.objects.get(pk=task.pk)


def as_of(client, task, instant):
    return client.get(f"{TASKS}{task.key}/", {"as_of": instant.isoformat()})


def test_task_is_read_as_it_was_each_day(history, clients):
    expected = {
        0: ("First", "one", [], [], "todo", None, None, None),
        1: ("Second", "one", ["urgent"], [], "todo", None, None, None),
        2: ("Second", "one two", ["urgent"], ["bob"], "todo", None, None, None),
        3: ("Second", "one two", ["urgent"], ["bob"], "done", 30, day(3), None),
        4: ("Second", "two", [], ["bob"], "done", 30, day(3), "OPS-1"),
    }
    for number, values in expected.items():
        response = as_of(clients["alice"], history, day(number) + timedelta(hours=1))
        task = response.json()
        closed = values[6].isoformat().replace("+00:00", "Z") if values[6] else None
        parent = task["parent"] and task["parent"]["key"]
        people = [user["handle"] for user in task["assignees"]]
        assert (task["title"], task["description"], task["labels"], people, task["status"]) == values[:5], number
        assert (task["estimate"], task["closed_at"], parent) == (values[5], closed, values[7]), number
        assert (task["version"], response["ETag"].split(".")[0]) == (number + 1, f'"{number + 1}')


def test_instant_outside_the_life_of_the_task_is_refused(history, clients, alice):
    assert as_of(clients["alice"], history, day(0) - timedelta(seconds=1)).status_code == 404
    future = as_of(clients["alice"], history, timezone.now() + timedelta(hours=1))
    assert (future.status_code, future.json()["errors"][0]["field"]) == (400, "as_of")
    for text in ("yesterday", "2026-13-01T00:00:00Z", ""):
        wrong = clients["alice"].get(f"{TASKS}{history.key}/", {"as_of": text})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "as_of")
    deleted = clients["alice"].delete(f"{TASKS}{history.key}/")
    moment = timezone.now()
    clients["alice"].post("/api/v1/undo/", {"token": deleted["Undo-Token"]})
    assert as_of(clients["alice"], history, moment).status_code == 404
    assert as_of(clients["alice"], history, timezone.now()).json()["title"] == "Second"


def test_task_without_events_is_read_by_later_changes(task, clients):
    Task.objects.filter(pk=task.pk).update(created_at=day(0))
    clients["alice"].patch(f"{TASKS}{task.key}/", {"title": "Now", "priority": "high"})

    past = as_of(clients["alice"], task, day(1)).json()

    assert (past["title"], past["priority"]) == ("Fix the printer", "none")


def test_hidden_task_has_no_past(history, clients):
    for path in ("", "versions/"):
        assert clients["mallory"].get(f"{TASKS}{history.key}/{path}", {}).status_code == 404
    assert as_of(clients["mallory"], history, day(1)).status_code == 404


def test_description_versions_come_newest_first(history, clients):
    rows = clients["alice"].get(f"{TASKS}{history.key}/versions/").json()["results"]

    assert [(row["before"], row["after"]) for row in rows] == [("one two", "two"), ("one", "one two")]
    assert rows[0]["diff"] == [{"op": "delete", "text": "one "}, {"op": "equal", "text": "two"}]
    assert rows[1]["actor"]["name"] == "Alice"


def test_comment_versions_go_with_the_comment(history, alice, clients):
    comment = comments.add(actor=alice, ref=history.key, body="First text", now=day(5))
    for number, body in ((6, "Second text"), (7, "Third text")):
        comments.update(actor=alice, ref=history.key, comment_id=comment.pk, body=body, now=day(number))
    url = f"{TASKS}{history.key}/comments/{comment.pk}/"

    rows = clients["alice"].get(f"{url}versions/").json()["results"]

    assert [(row["before"], row["after"]) for row in rows] == [
        ("Second text", "Third text"),
        ("First text", "Second text"),
    ]
    assert rows[0]["at"] == day(7).isoformat().replace("+00:00", "Z")
    clients["alice"].delete(url)
    assert clients["alice"].get(f"{url}versions/").status_code == 404


def test_pages_show_the_difference(history, alice):
    page = logged_in_client(alice)

    task_page = page.get(f"/tasks/{history.key}/").content.decode()
    link = f"/tasks/{history.key}/versions/?event="
    assert task_page.count(link) == 2
    event_id = task_page.partition(link)[2].partition('"')[0]
    single = page.get(f"{link}{event_id}")
    assert "<del>one </del>two" in single.content.decode()
    assert "Show all changes" in visible_text(single)
    assert page.get(f"/tasks/{history.key}/versions/").content.decode().count("<del>") == 1
    for text in ("0", "x", "9" * 30, "²"):
        assert page.get(f"{link}{text}").status_code == 404


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "new", [("insert", "new")]),
        ("same", "same", [("equal", "same")]),
        ("a b c", "a x c", [("equal", "a "), ("delete", "b"), ("insert", "x"), ("equal", " c")]),
        ("one\ntwo", "one\n\ntwo", [("equal", "one"), ("delete", "\n"), ("insert", "\n\n"), ("equal", "two")]),
    ],
)
def test_word_diff_of_short_texts(before, after, expected):
    assert diff_words(before, after) == expected


def test_word_diff_is_bounded_for_texts_without_common_words():
    before, after = " ".join(map(str, range(10_000))), " ".join(map(str, range(10_000, 20_000)))
    assert len(before.split()) ** 2 > MAX_COMPARISONS

    parts = diff_words(before, after)

    assert "".join(part.text for part in parts if part.op != "insert") == before
    assert "".join(part.text for part in parts if part.op != "delete") == after
