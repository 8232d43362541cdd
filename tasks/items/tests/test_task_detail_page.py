from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Role, Task
from tasks.tests.factories import AssigneeFactory, CommentFactory, TaskFactory, TaskShareFactory

FIELDS = (
    "title",
    "description",
    "status",
    "priority",
    "labels",
    "start_date",
    "due_date",
    "due_time",
    "estimate",
    "parent",
)


def form_of(page):
    """Return the data that a browser would send for this page's unchanged form."""
    form = page.context["form"]
    sent = {"version": page.context["task"].version}
    for name in FIELDS:
        value = form[name].value()
        text = ", ".join(value) if isinstance(value, list) else "" if value is None else value
        sent |= {name: text, f"initial-{name}": text}
    people = form["assignees"].value() or []
    return sent | {"assignees": people, "initial-assignees": people}


def test_shows_the_task_with_its_comments_and_history(task, alice, bob):
    CommentFactory(task=task, author=bob, body="Try **turning it off**.")
    response = logged_in_client(alice).get("/tasks/OPS-1/")

    assert response.status_code == 200
    assert "<strong>turning it off</strong>" in response.content.decode()


def test_keeps_markup_in_a_comment_harmless(task, alice):
    CommentFactory(task=task, body="<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1))")

    response = logged_in_client(alice).get("/tasks/OPS-1/").content.decode()

    assert "<script>alert" not in response
    assert "<img src=x" not in response
    assert 'href="javascript' not in response


@pytest.mark.parametrize("path", ["/tasks/OPS-99/", "/tasks/NOTHING/", "/tasks/OPS-0001x/", "/tasks/%F0%9F%99%82-1/"])
def test_knows_no_task_of_another_name(path, task, alice):
    assert logged_in_client(alice).get(path).status_code == 404


def test_hides_from_strangers_that_there_is_one(task, mallory):
    assert logged_in_client(mallory).get("/tasks/OPS-1/").status_code == 404


def test_offers_a_reader_no_form(task, viewer):
    response = logged_in_client(viewer).get("/tasks/OPS-1/")

    assert "Save changes" not in visible_text(response)
    assert "comments-title" in response.content.decode()
    assert 'action="/tasks/OPS-1/comments/"' not in response.content.decode()


def test_saves_what_was_changed_and_nothing_else(task, bob, outbox):
    reader = logged_in_client(bob)
    sent = form_of(reader.get("/tasks/OPS-1/"))

    response = reader.post(
        "/tasks/OPS-1/", sent | {"title": "Burn the printer", "assignees": [str(bob.pk)], "labels": "fire, office"}
    )

    assert (response.status_code, response["Location"]) == (302, "/tasks/OPS-1/")
    assert set(outbox.only("task.updated")["changes"]) == {"title", "assignees", "labels"}
    assert outbox.names() == ["task.updated", "task.assigned"]


def test_publishes_nothing_when_nothing_was_changed(task, bob, outbox):
    reader = logged_in_client(bob)

    reader.post("/tasks/OPS-1/", form_of(reader.get("/tasks/OPS-1/")))

    assert outbox.names() == []
    assert Task.objects.get().version == 1


def test_reads_a_due_time_in_the_readers_zone(task, bob):
    bob.time_zone = "Asia/Tokyo"
    bob.save()
    reader = logged_in_client(bob)
    sent = form_of(reader.get("/tasks/OPS-1/"))

    reader.post("/tasks/OPS-1/", sent | {"due_date": "2026-03-02", "due_time": "09:30"})

    assert Task.objects.get().due_at == datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert Task.objects.get().due_date is None
    assert "2 Mar 2026, 09:30 JST" in visible_text(reader.get("/tasks/OPS-1/"))


def test_takes_a_day_alone_for_a_whole_day(task, bob):
    reader = logged_in_client(bob)

    reader.post("/tasks/OPS-1/", form_of(reader.get("/tasks/OPS-1/")) | {"due_date": "2026-03-02"})

    assert Task.objects.get().due_date == date(2026, 3, 2)
    assert Task.objects.get().due_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " "},
        {"title": "x" * 501},
        {"priority": "9"},
        {"estimate": "-1"},
        {"due_time": "10:00"},
        {"start_date": "2027-01-01", "due_date": "2026-12-01"},
        {"due_date": "9999-12-31"},
        {"assignees": ["x"]},
    ],
)
def test_keeps_the_input_and_names_what_is_wrong(wrong, task, bob, outbox):
    reader = logged_in_client(bob)
    sent = form_of(reader.get("/tasks/OPS-1/"))

    response = reader.post("/tasks/OPS-1/", sent | {"description": "Kept"} | wrong)

    assert response.status_code == 422
    assert ">\nKept</textarea>" in response.content.decode()
    assert "Your changes weren't saved" in visible_text(response)
    assert outbox.names() == []


def test_shows_both_sides_of_a_conflict_and_saves_neither(task, bob, outbox):
    reader = logged_in_client(bob)
    sent = form_of(reader.get("/tasks/OPS-1/"))
    Task.objects.update(title="Theirs", version=2)

    response = reader.post("/tasks/OPS-1/", sent | {"title": "Mine"})

    assert response.status_code == 409
    [difference] = response.context["conflict"].differences
    assert (difference.label, difference.submitted, difference.current) == ("Title", "Mine", "Theirs")
    assert Task.objects.get().title == "Theirs"
    assert outbox.names() == []


def test_keeps_mine_when_told_to(task, bob):
    reader = logged_in_client(bob)
    sent = form_of(reader.get("/tasks/OPS-1/"))
    Task.objects.update(title="Theirs", priority=3, version=2)
    conflict = reader.post("/tasks/OPS-1/", sent | {"title": "Mine"}).context["conflict"]

    response = reader.post("/tasks/OPS-1/", dict(conflict.form_data) | {"version": conflict.version})

    assert response.status_code == 302
    task = Task.objects.get()
    assert (task.title, task.priority, task.version) == ("Mine", 3, 3)


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("commenter", 403), ("carol", 403), ("mallory", 404)])
def test_lets_only_editors_change_it(who, status, task, alice, request, outbox):
    sent = form_of(logged_in_client(alice).get("/tasks/OPS-1/"))

    response = logged_in_client(request.getfixturevalue(who)).post("/tasks/OPS-1/", sent | {"title": "Mine"})

    assert response.status_code == status
    assert Task.objects.get().title == "Fix the printer"
    assert outbox.names() == []


def test_makes_a_subtask(task, bob):
    page = logged_in_client(bob)
    refused = [page.post("/tasks/OPS-1/subtasks/", {"title": title}) for title in ("A\x00b", "A\x1bb", " ", "x" * 501)]
    before = Task.objects.count()
    response = page.post("/tasks/OPS-1/subtasks/", {"title": "Buy toner"})

    assert ({answer.status_code for answer in refused}, before) == ({302}, 1)
    assert response.status_code == 302
    assert Task.objects.get(title="Buy toner").parent == task


def test_asks_before_it_deletes(task, bob):
    reader = logged_in_client(bob)

    assert "Delete OPS-1?" in visible_text(reader.get("/tasks/OPS-1/delete/"))
    assert Task.objects.count() == 1
    assert reader.post("/tasks/OPS-1/delete/").status_code == 302
    assert Task.objects.count() == 0


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("mallory", 404)])
@pytest.mark.parametrize("method", ["get", "post"])
def test_deletes_for_editors_only(who, status, method, task, request):
    response = getattr(logged_in_client(request.getfixturevalue(who)), method)("/tasks/OPS-1/delete/")

    assert response.status_code == status
    assert Task.objects.count() == 1


def test_costs_the_same_with_more_of_everything(task, alice, bob, queries):
    reader = logged_in_client(alice)
    CommentFactory(task=task)
    TaskFactory(project=task.project, parent=task)
    reader.get("/tasks/OPS-1/")
    with queries(at_most=26) as small:
        reader.get("/tasks/OPS-1/")

    for _ in range(15):
        CommentFactory(task=task, author=bob)
        AssigneeFactory(task=TaskFactory(project=task.project, parent=task), user=bob)

    with queries(equal_to=small):
        reader.get("/tasks/OPS-1/")


@pytest.mark.parametrize("due", [{"due_date": "2026-12-01"}, {"due_date": "2026-12-01", "due_time": "10:00"}])
def test_due_date_before_start_is_named(due, task, bob):
    Task.objects.update(start_date=date(2027, 1, 1))
    reader = logged_in_client(bob)
    form = form_of(reader.get("/tasks/OPS-1/"))

    response = reader.post("/tasks/OPS-1/", form | due)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["due_date"]
    assert Task.objects.get().version == 1


def test_handles_of_members_are_listed_for_members_only(task, alice, bob):
    guest = TaskShareFactory(task=task, user=UserFactory(), role=Role.EDITOR).user
    option = f'<option value="{bob.handle}">'

    assert option in logged_in_client(alice).get("/tasks/OPS-1/").content.decode()
    assert option not in logged_in_client(guest).get("/tasks/OPS-1/").content.decode()
