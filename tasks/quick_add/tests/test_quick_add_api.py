from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.tests.api_keys import api_key_client, create_api_key
from core.testing.database_state import table_digests
from tasks.models import Label, Priority, Recurrence, Task
from tasks.tests.factories import LabelFactory, MemberFactory, ProjectFactory

PARSE, CREATE = "/api/v1/tasks/parse/", "/api/v1/tasks/quick-add/"
MONDAY = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_parse_names_fields_and_spans_and_writes_nothing(clients, alice, project, clock):
    clock.move_to(MONDAY)
    LabelFactory(project=project, name="House Keeping")
    client = clients["bob"]
    before = table_digests()
    text = "Pay rent tomorrow 9am #ops @alice +housekeeping !high ~30m every month"
    response = client.post(PARSE, {"text": text})

    assert response.status_code == 200
    body = response.json()
    assert body["title"] == "Pay rent"
    assert body["fields"] == {
        "project": {"id": str(project.pk), "key": "OPS", "name": project.name},
        "priority": "high",
        "due_date": None,
        "due_at": "2026-12-01T09:00:00Z",
        "estimate": 30,
        "assignees": [{"id": str(alice.pk), "name": alice.name, "handle": "alice", "role": alice.role}],
        "labels": ["House Keeping"],
        "recurrence": {"rule": "FREQ=MONTHLY", "description": "Every month on the 1st"},
    }
    assert [(span["kind"], span["text"], span["value"]) for span in body["spans"]] == [
        ("due_date", "tomorrow", "2026-12-01"),
        ("due_time", "9am", "09:00:00"),
        ("project", "#ops", "ops"),
        ("assignee", "@alice", "alice"),
        ("label", "+housekeeping", "housekeeping"),
        ("priority", "!high", "high"),
        ("estimate", "~30m", "30"),
        ("recurrence", "every month", "FREQ=MONTHLY"),
    ]
    assert all(text[span["start"] : span["end"]] == span["text"] for span in body["spans"])
    assert body["problems"] == []
    assert table_digests() == before


def test_quick_add_creates_the_task_once(clients, project, clock, outbox):
    clock.move_to(MONDAY)
    body = {"text": "Water plants every monday 7am +garden @me", "project": "ops"}
    headers = {"Idempotency-Key": "once"}
    responses = [clients["bob"].post(CREATE, body, headers=headers) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
    task = Task.objects.get()
    assert responses[0].json()["key"] == task.key == "OPS-1"
    assert (task.title, task.due_at, task.is_recurring) == ("Water plants", datetime(2026, 12, 7, 7, tzinfo=UTC), True)
    assert [user.handle for user in task.assignees.all()] == ["bob"]
    assert Recurrence.objects.get().rule == "FREQ=WEEKLY;BYDAY=MO"
    assert responses[0]["ETag"] == clients["bob"].get(f"/api/v1/tasks/{task.key}/")["ETag"]
    assert outbox.names() == ["task.created", "task.assigned", "task.recurrence_changed"]
    assert outbox.payloads("task.created")[0]["task"]["title"] == "Water plants"


def test_due_date_follows_the_time_zone_of_the_user(clients, bob, project, clock, db_subtest):
    # 23:30 UTC on Monday is Tuesday in Berlin.
    clock.move_to(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    client = clients["bob"]
    expected = {
        "UTC": ("2026-12-01", "2026-12-01T09:00:00Z"),
        "Europe/Berlin": ("2026-12-02", "2026-12-02T08:00:00Z"),
        "America/Los_Angeles": ("2026-12-01", "2026-12-01T17:00:00Z"),
    }
    for zone, (day, instant) in expected.items():
        with db_subtest(zone):
            type(bob).objects.filter(pk=bob.pk).update(time_zone=zone)
            whole_day = client.post(PARSE, {"text": "Call tomorrow"}).json()["fields"]
            timed = client.post(PARSE, {"text": "Call tomorrow 9am"}).json()["fields"]
            assert (whole_day["due_date"], timed["due_at"]) == (day, instant)


def test_unknown_names_stay_in_the_title(clients, bob, mallory, project, clock, db_subtest):
    ProjectFactory(key="SECRET", name="Hidden plan", owner=mallory)
    MemberFactory(project=ProjectFactory(key="READ", name="Only read", owner=mallory), user=bob, role="viewer")
    ProjectFactory(key="TWINA", name="Twin", owner=bob)
    ProjectFactory(key="TWINB", name="t w i n", owner=bob)
    client = clients["bob"]
    expected = {
        "Plan #secret": ("Plan #secret", "unknown_project"),
        "Plan #hiddenplan": ("Plan #hiddenplan", "unknown_project"),
        "Plan #nothing": ("Plan #nothing", "unknown_project"),
        "Plan #onlyread": ("Plan #onlyread", "unknown_project"),
        "Plan #twin": ("Plan #twin", "several_projects"),
        "Plan @mallory": ("Plan @mallory", "unknown_assignee"),
        "Plan #ops @mallory": ("Plan @mallory", "unknown_assignee"),
        "Plan #ops @nobody-at-all": ("Plan @nobody-at-all", "unknown_assignee"),
        "Plan #ops #twina": ("Plan #ops #twina", "several_projects"),
        "Plan !high !low": ("Plan !high !low", "several_priorities"),
        f"Plan +{'x' * 61}": (f"Plan +{'x' * 61}", "label_too_long"),
    }
    for text, (title, code) in expected.items():
        with db_subtest(text):
            body = client.post(PARSE, {"text": text}).json()
            assert (body["title"], {problem["code"] for problem in body["problems"]}) == (title, {code})
            created = client.post(CREATE, {"text": text})
            assert (created.status_code, created.json()["title"]) == (201, title)
            assert created.json()["labels"] == created.json()["assignees"] == []


def test_hidden_and_missing_names_are_answered_alike(clients, mallory, project):
    ProjectFactory(key="SECRET", name="Hidden plan", owner=mallory)
    hidden, missing = (clients["bob"].post(PARSE, {"text": f"Plan #{name}"}).json() for name in ("secret", "sacred"))
    hidden["problems"][0]["message"] = hidden["problems"][0]["message"].replace("secret", "sacred")
    assert {**hidden, "title": ""} == {**missing, "title": ""}


def test_quick_add_refusal_names_the_text_and_writes_nothing(clients, project, outbox, db_subtest):
    client = clients["bob"]
    before = table_digests()
    expected = {
        "": "blank",
        "   ": "blank",
        "tomorrow #ops": "title_blank",
        "x" * 501: "title_too_long",
        "x" * 1001: "max_length",
        "two\nlines": "control_character",
    }
    for text, code in expected.items():
        with db_subtest(text[:20]):
            response = client.post(CREATE, {"text": text})
            errors = {(error["field"], error["code"]) for error in response.json()["errors"]}
            assert (response.status_code, ("text", code) in errors) == (400, True), errors
            assert table_digests() == before
            assert outbox.names() == []
    for project_ref, status in {"NOPE": 404, "": 400}.items():
        with db_subtest(project_ref):
            response = client.post(CREATE, {"text": "Plan", "project": project_ref})
            assert response.status_code == status
            assert table_digests() == before


def test_viewer_cannot_quick_add_into_the_project(clients, client_of, viewer, project):
    response = client_of(viewer).post(CREATE, {"text": "Plan", "project": "OPS"})
    assert response.status_code == 403
    assert not Task.objects.exists()


def test_offsets_count_code_points(clients, project):
    text = "🎉 Feier\u0301n 買う #ops !hoch"
    spans = clients["bob"].post(PARSE, {"text": text}).json()["spans"]
    assert [text[span["start"] : span["end"]] for span in spans] == ["#ops", "!hoch"]


def test_first_task_of_a_user_creates_the_inbox(clients, bob):
    response = clients["bob"].post(CREATE, {"text": "Plan @me !4 +new ~2h"})
    task = Task.objects.get()
    assert response.status_code == 201
    assert (task.project.is_inbox, task.priority, task.estimate) == (True, Priority.URGENT, 120)
    assert [user.pk for user in task.assignees.all()] == [bob.pk]
    assert [label.name for label in Label.objects.all()] == ["new"]


def test_key_for_one_project_reaches_no_other_by_name(alice, project, db_subtest):
    ProjectFactory(key="HOME", name="House", owner=alice)
    client = api_key_client(create_api_key(alice, projects=["OPS"]).text)
    expected = {"Plan #ops": 201, "Plan #home": 404, "Plan #house": 404, "Plan #missing": 404, "Plan": 403}
    for text, status in expected.items():
        with db_subtest(text):
            assert client.post(CREATE, {"text": text}).status_code == status
            assert client.post(CREATE, {"text": "Plan #home", "project": "OPS"}).status_code == 404
            assert Task.objects.exclude(project=project).count() == 0
