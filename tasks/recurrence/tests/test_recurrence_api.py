from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.testing.database_state import table_digests
from tasks.models import Occurrence, Recurrence, Task
from tasks.recurrence.rules import MAX_RULE_LENGTH
from tasks.tests.factories import AssigneeFactory, TaskFactory

URL = "/api/v1/tasks/OPS-1/recurrence/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def weekly(project):
    """A task due far ahead: no occurrence is past."""
    return TaskFactory(project=project, title="Water the plants", due_date=date(2090, 5, 1))


def test_recurrence_is_set_changed_and_removed(clients, weekly, outbox):
    created = clients["bob"].put(URL, {"rule": "RRULE:freq=weekly;byday=MO"})
    changed = clients["bob"].put(
        URL, {"rule": "FREQ=DAILY;INTERVAL=2", "mode": "after_completion"}, headers={"If-Match": '"1"'}
    )
    read = clients["bob"].get(URL)
    removed = clients["bob"].delete(URL, headers={"If-Match": '"2"'})

    assert [response.status_code for response in (created, changed, read, removed)] == [200, 200, 200, 204]
    assert created.json()["description"] == "Every week on Monday"
    assert [occurrence["date"] for occurrence in created.json()["next"]] == [
        "2090-05-08",
        "2090-05-15",
        "2090-05-22",
        "2090-05-29",
        "2090-06-05",
    ]
    assert read.json()["description"] == "Every 2 days after completion"
    assert (read.json()["version"], read.json()["time_zone"], read.json()["exceptions"]) == (2, "UTC", [])
    assert [event["changes"]["recurrence"] for event in outbox.payloads("task.recurrence_changed")] == [
        ["", "Every week on Monday"],
        ["Every week on Monday", "Every 2 days after completion"],
        ["Every 2 days after completion", ""],
    ]
    assert clients["bob"].get(URL).status_code == 404
    assert not Task.objects.get().is_recurring


def test_recurrence_refusal_names_field_and_changes_nothing(clients, weekly, db_subtest):
    undated = TaskFactory(project=weekly.project)
    rules = {
        "FREQ=HOURLY": "sub_daily",
        "FREQ=DAILY;BYHOUR=9": "sub_daily",
        "FREQ=DAILY;INTERVAL=1001": "invalid",
        "FREQ=DAILY;INTERVAL=0": "invalid",
        "FREQ=DAILY;COUNT=1001": "invalid",
        "FREQ=DAILY;COUNT=2;UNTIL=20910101": "invalid",
        "FREQ=DAILY;COUNT=1": "no_occurrence",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": "no_occurrence",
        "FREQ=FORTNIGHTLY": "invalid",
        "INTERVAL=2": "invalid",
        "FREQ=DAILY;FREQ=DAILY": "invalid",
        "FREQ=WEEKLY;BYDAY=2MO": "invalid",
        "FREQ=WEEKLY;BYMONTHDAY=1": "invalid",
        "FREQ=MONTHLY;BYWEEKNO=1": "invalid",
        "FREQ=MONTHLY;BYMONTHDAY=0": "invalid",
        "FREQ=MONTHLY;BYYEARDAY=1": "invalid",
        "FREQ=MONTHLY;BYSETPOS=1": "invalid",
        "FREQ=DAILY;UNTIL=20261231T100000": "invalid",
        "FREQ=DAILY;UNTIL=20260231": "invalid",
        "FREQ=DAILY;X=1": "invalid",
        "FREQ=DAILY\nEXDATE=1": "invalid",
        "FREQ=DAILY;COUNT=١": "invalid",
        "": "blank",
        "FREQ=DAILY;" + "A" * MAX_RULE_LENGTH: "max_length",
    }
    cases = [(URL, {"rule": rule}, "rule", code) for rule, code in rules.items()]
    cases += [
        (URL, {"rule": "FREQ=DAILY", "mode": "sometimes"}, "mode", "invalid_choice"),
        (URL, {"rule": "FREQ=DAILY", "time_zone": "Mars/Base"}, "time_zone", "invalid_choice"),
        (URL, {"rule": "FREQ=DAILY", "exceptions": ["2090-05-01"] * 101}, "exceptions", "max_length"),
        (URL, {"rule": "FREQ=DAILY", "version": 1}, "version", "unknown"),
        (f"/api/v1/tasks/{undated.key}/recurrence/", {"rule": "FREQ=DAILY"}, "rule", "no_due_date"),
    ]
    client, before = clients["bob"], table_digests()
    for url, body, field, code in cases:
        with db_subtest(f"{body['rule'][:40]} {field}"):
            response = client.put(url, body)

            assert response.status_code == 400, response.json()
            [error] = response.json()["errors"]
            assert (error["field"], error["code"]) == (field, code)
            assert table_digests() == before


def test_recurrence_of_closed_task_is_refused(clients, weekly):
    clients["bob"].patch("/api/v1/tasks/OPS-1/", {"status": "done"})

    response = clients["bob"].put(URL, {"rule": "FREQ=DAILY"})

    assert (response.status_code, response.json()["code"]) == (409, "closed")
    assert not Recurrence.objects.exists()


def test_recurrence_put_twice_changes_nothing(clients, weekly, outbox):
    first = clients["bob"].put(URL, {"rule": "FREQ=DAILY", "exceptions": ["2090-05-03", "2090-05-02"]})
    second = clients["bob"].put(URL, {"rule": "FREQ=DAILY;INTERVAL=1", "exceptions": ["2090-05-02", "2090-05-03"]})

    assert (first.json()["version"], second.json()["version"]) == (1, 1)
    assert [occurrence["date"] for occurrence in first.json()["next"]][:2] == ["2090-05-04", "2090-05-05"]
    assert len(outbox.payloads("task.recurrence_changed")) == 1


def test_completed_task_is_followed_by_the_next_one(clients, weekly, bob, outbox):
    weekly.start_date = date(2090, 4, 29)
    weekly.priority, weekly.estimate, weekly.description = 3, 15, "Also the *ferns*."
    weekly.save()
    AssigneeFactory(task=weekly, user=bob)
    clients["bob"].patch("/api/v1/tasks/OPS-1/", {"labels": ["home"]})
    clients["bob"].put(URL, {"rule": "FREQ=WEEKLY"})

    done = clients["bob"].patch("/api/v1/tasks/OPS-1/", {"status": "done"})
    clients["bob"].patch("/api/v1/tasks/OPS-1/", {"status": "todo"})
    clients["bob"].patch("/api/v1/tasks/OPS-1/", {"status": "done"})

    assert done.status_code == 200
    task = clients["bob"].get("/api/v1/tasks/OPS-2/").json()
    fields = ("title", "description", "priority", "estimate", "start_date", "due_date", "labels", "status")
    assert [task[name] for name in fields] == [
        "Water the plants",
        "Also the *ferns*.",
        "high",
        15,
        "2090-05-06",
        "2090-05-08",
        ["home"],
        "todo",
    ]
    assert [user["handle"] for user in task["assignees"]] == ["bob"]
    assert Task.objects.count() == 2
    assert outbox.only("task.repeated")["next_key"] == "OPS-2"
    assert clients["bob"].get(URL).status_code == 404
    assert clients["bob"].get("/api/v1/tasks/OPS-2/recurrence/").json()["number"] == 2
    assert list(Occurrence.objects.order_by("number").values_list("number", "occurs_on")) == [
        (1, date(2090, 5, 1)),
        (2, date(2090, 5, 8)),
    ]


def test_recurrence_preview_shows_words_and_dates(clients, alice):
    query = {"rule": "FREQ=DAILY", "time_zone": "Europe/Berlin", "starts_on": "2090-03-25", "time_of_day": "02:30"}

    response = clients["alice"].get("/api/v1/recurrence/preview/", query)
    refused = clients["alice"].get("/api/v1/recurrence/preview/", {**query, "rule": "FREQ=SECONDLY"})

    assert (response.status_code, refused.status_code) == (200, 400)
    assert response.json()["description"] == "Every day"
    # 26 March 2090 is the day on which 02:30 does not exist.
    assert [occurrence["due_at"] for occurrence in response.json()["next"][:2]] == [
        datetime(2090, 3, 26, 1, 30, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        datetime(2090, 3, 27, 0, 30, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
    ]
