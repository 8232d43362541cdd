from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from tasks.items.tests.test_create_task import changed_since
from tasks.models import TimeEntry
from tasks.tests.factories import TaskFactory, TimeEntryFactory

URL = "/api/v1/tasks/OPS-1/time-entries/"

pytestmark = pytest.mark.django_db


def timer(task, verb):
    return f"/api/v1/tasks/{task.key}/timer/{verb}/"


def test_timer_is_started_switched_and_stopped(clients, bob, task, project, outbox):
    client, other = clients["bob"], TaskFactory(project=project)
    assert client.get("/api/v1/me/timer/").json() == {"timer": None}

    first = client.post(timer(task, "start"))
    again = client.post(timer(task, "start"))
    TimeEntry.objects.update(started_at=timezone.now() - timedelta(minutes=90))
    second = client.post(timer(other, "start"))
    running = client.get("/api/v1/me/timer/").json()["timer"]
    not_here = client.post(timer(task, "stop"))
    stopped = client.post(timer(other, "stop"))
    twice = client.post(timer(other, "stop"))

    assert [r.status_code for r in (first, again, second, not_here, stopped, twice)] == [200, 200, 200, 409, 200, 409]
    assert (first.json()["id"], first.json()["ended_at"]) == (again.json()["id"], None)
    assert (running["id"], running["task"]["key"]) == (second.json()["id"], other.key)
    assert TimeEntry.objects.get(task=task).minutes == 90
    assert (stopped.json()["minutes"], stopped.json()["version"]) == (0, 2)
    logged = [event for event in outbox.events if event.name == "task.time_logged"] if hasattr(outbox, "events") else []
    assert [event.payload["minutes"] for event in logged] in ([], [90, 0])


def test_forgotten_timer_ends_after_a_week(clients, bob, task):
    started_at = timezone.now() - timedelta(days=30)
    TimeEntryFactory(task=task, user=bob, started_at=started_at, ended_at=None, minutes=None)

    stopped = clients["bob"].post(timer(task, "stop")).json()

    assert stopped["minutes"] == 10_080
    assert TimeEntry.objects.get().ended_at == started_at + timedelta(days=7)


def test_database_allows_one_running_timer_for_a_user(bob, task):
    running = {"task": task, "user": bob, "ended_at": None, "minutes": None}
    TimeEntryFactory(**running)

    with pytest.raises(IntegrityError, match="a_user_has_one_running_timer"), transaction.atomic():
        TimeEntryFactory(**running)
    assert TimeEntry.objects.count() == 1


def test_entry_is_added_changed_and_deleted(clients, bob, task, outbox):
    client = clients["bob"]
    added = client.post(URL, {"minutes": 45, "note": " Called them "})
    entry, url = added.json(), f"{URL}{added.json()['id']}/"

    changed = client.patch(url, {"minutes": 60}, headers={"If-Match": '"1"'})
    stale = client.patch(url, {"minutes": 90}, headers={"If-Match": '"1"'})
    foreign = clients["project_admin"].patch(url, {"minutes": 1})
    listed = clients["viewer"].get(URL).json()["results"]
    deleted = clients["alice"].delete(url)

    assert (added.status_code, entry["minutes"], entry["note"], entry["user"]["handle"]) == (
        201,
        45,
        "Called them",
        "bob",
    )
    assert [r.status_code for r in (changed, stale, foreign, deleted)] == [200, 412, 403, 204]
    assert stale.json()["current"] == {"minutes": 60}
    assert [row["minutes"] for row in listed] == [60]
    assert TimeEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "minutes"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10_081}, "minutes"),
        ({"minutes": "30"}, "minutes"),
        ({"minutes": 30, "note": "x" * 501}, "note"),
        ({"minutes": 30, "started_at": "2999-01-01T00:00:00Z"}, "started_at"),
        ({"minutes": 30, "user": "bob"}, "user"),
    ],
)
def test_invalid_entry_is_rejected_and_changes_nothing(body, field, clients, task):
    client, before = clients["bob"], table_digests()

    response = client.post(URL, body)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert changed_since(before) == set()


def test_running_timer_is_not_given_minutes(clients, bob, task):
    entry = TimeEntryFactory(task=task, user=bob, ended_at=None, minutes=None)
    client, before = clients["bob"], table_digests()

    refused = client.patch(f"{URL}{entry.pk}/", {"minutes": 30})
    unchanged = changed_since(before)
    noted = client.patch(f"{URL}{entry.pk}/", {"note": "Still at it"})

    assert (refused.status_code, unchanged, noted.status_code) == (409, set(), 200)


def test_panel_shows_total_beside_the_estimate(bob, alice, task, queries):
    task.estimate = 60
    task.save()
    TimeEntryFactory(task=task, user=alice, minutes=50, note="Planning")
    browser = logged_in_client(bob)

    browser.post(f"/tasks/{task.key}/timer/start/")
    running = " ".join(visible_text(browser.get(f"/tasks/{task.key}/")).split())
    browser.post(f"/tasks/{task.key}/timer/stop/")
    wrong = browser.post(f"/tasks/{task.key}/time/", {"time-minutes": "0"})
    browser.post(f"/tasks/{task.key}/time/", {"time-minutes": "20", "time-note": "Calls"})
    own = TimeEntry.objects.get(note="Calls")
    browser.post(f"/tasks/{task.key}/time/{own.pk}/", {"time-minutes": "25", "time-note": "Calls", "version": "1"})
    page = " ".join(visible_text(browser.get(f"/tasks/{task.key}/")).split())

    assert "50 min of 1 h" in running
    assert "Timer running since" in running
    assert wrong.status_code == 422
    for text in (
        "1 h 15 min of 1 h, over the estimate",
        "25 min Bob",
        "Planning",
        "logged 20 min",
        "changed a time entry",
    ):
        assert text in page, text
    browser.post(f"/tasks/{task.key}/time/{own.pk}/delete/")
    assert not TimeEntry.objects.filter(pk=own.pk).exists()


def test_panel_costs_one_query(bob, task, queries):
    browser = logged_in_client(bob)
    TimeEntryFactory(task=task)
    browser.get(f"/tasks/{task.key}/")
    with queries() as few:
        browser.get(f"/tasks/{task.key}/")
    for _ in range(30):
        TimeEntryFactory(task=task, user=bob)

    with queries(equal_to=few) as many:
        browser.get(f"/tasks/{task.key}/")

    assert len([sql for sql in many.statements if "timeentry" in sql]) == 1


def test_list_costs_the_same_for_many_entries(clients, bob, task, queries):
    TimeEntryFactory(task=task)
    clients["bob"].get(URL)
    with queries() as few:
        clients["bob"].get(URL)
    for _ in range(15):
        TimeEntryFactory(task=task, user=bob)

    with queries(equal_to=few):
        clients["bob"].get(URL)


def test_running_timer_is_in_the_frame_of_every_page(clients, bob, task, project, django_capture_on_commit_callbacks):
    page, other, client = logged_in_client(bob), TaskFactory(project=project), clients["bob"]

    def stop_forms(write=None):
        with django_capture_on_commit_callbacks(execute=True):
            response = write() if write else None
        html = page.get("/projects/").content.decode()
        return re.findall(r'action="/tasks/(OPS-[0-9]+)/timer/stop/"', html), response

    assert stop_forms()[0] == []
    for write, keys, location in (
        (lambda: client.post(timer(task, "start")), [task.key], None),
        (lambda: client.post(timer(other, "start")), [other.key], None),
        (lambda: page.post(f"/tasks/{other.key}/timer/stop/", {"next": "/inbox/"}), [], "/inbox/"),
        (lambda: page.post(f"/tasks/{task.key}/timer/start/"), [task.key], f"/tasks/{task.key}/#time"),
        # A timer that is deleted while it runs, one whose task is deleted, and an address of another site.
        (lambda: page.post(f"/tasks/{task.key}/time/{TimeEntry.objects.get(ended_at=None).pk}/delete/"), [], None),
        (lambda: client.post(timer(other, "start")), [other.key], None),
        (lambda: client.delete(f"/api/v1/tasks/{other.key}/"), [], None),
        (
            lambda: page.post(f"/tasks/{task.key}/timer/stop/", {"next": "https://example.com/"}),
            [],
            f"/tasks/{task.key}/#time",
        ),
    ):
        present, response = stop_forms(write)
        assert present == keys
        assert location is None or response.url == location
