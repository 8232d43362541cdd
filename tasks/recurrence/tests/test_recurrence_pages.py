from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import log_in, logged_in_client, visible_text
from tasks.models import Recurrence
from tasks.moving import services as moving
from tasks.recurrence.forms import RecurrenceForm, initial_data, is_common
from tasks.recurrence.rules import parse
from tasks.tests.factories import ProjectFactory, RecurrenceFactory, TaskFactory, TaskShareFactory

URL = "/tasks/OPS-1/"
SET_URL = f"{URL}recurrence/"
NOW = datetime(2090, 5, 12, tzinfo=UTC)
WEEKLY = {"frequency": "WEEKLY", "interval": "2", "weekdays": ["MO", "FR"], "mode": "fixed", "ends": "never"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, bob):
    log_in(client, bob)
    return client


@pytest.fixture
def monthly(project):
    # The second Friday of the month.
    return TaskFactory(project=project, title="Pay rent", due_date=date(2090, 5, 12))


def test_recurrence_form_previews_then_saves(page, monthly):
    preview = page.post(SET_URL, {**WEEKLY, "action": "preview"})
    before = Recurrence.objects.count()
    saved = page.post(SET_URL, WEEKLY, follow=True)

    assert (preview.status_code, before) == (200, 0)
    assert "Every 2 weeks on Monday and Friday" in visible_text(preview)
    assert "Mon 22 May 2090" in visible_text(preview)
    assert saved.redirect_chain == [(f"{URL}#recurrence", 302)]
    assert "Every 2 weeks on Monday and Friday" in visible_text(saved)
    assert "Stop repeating" in visible_text(saved)
    assert Recurrence.objects.get().rule == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"


def test_recurrence_form_error_keeps_input_and_saves_nothing(page, monthly, db_subtest):
    cases = [
        ({**WEEKLY, "interval": "1001"}, "less than or equal to 1000"),
        ({**WEEKLY, "ends": "until"}, "Choose when it ends."),
        ({**WEEKLY, "ends": "count", "count": "1"}, "greater than or equal to 2"),
        ({**WEEKLY, "frequency": "CUSTOM"}, "Write the rule."),
        ({**WEEKLY, "frequency": "CUSTOM", "rule": "FREQ=HOURLY"}, "at most once a day"),
        ({**WEEKLY, "frequency": "HOURLY"}, "not one of the available choices"),
        ({**WEEKLY, "weekdays": ["XX"]}, "not one of the available choices"),
    ]
    for data, message in cases:
        with db_subtest(message):
            response = page.post(SET_URL, data)

            assert response.status_code == 422
            assert message in visible_text(response)
            assert not Recurrence.objects.exists()


def test_recurrence_page_skips_keeps_and_removes(page, monthly):
    page.post(SET_URL, WEEKLY)
    page.post(f"{SET_URL}skip/", {"date": "2090-05-22", "version": "1"})
    skipped = visible_text(page.get(URL))
    stale = visible_text(page.post(f"{SET_URL}skip/", {"date": "2090-05-26", "version": "1"}, follow=True))
    broken = visible_text(page.post(f"{SET_URL}skip/", {"date": "2090-02-31"}, follow=True))
    page.post(SET_URL, {**WEEKLY, "interval": "3", "version": "2"})
    changed = Recurrence.objects.get()
    removed = page.post(f"{SET_URL}remove/", {"version": "3"}, follow=True)

    assert "1 skipped date" in skipped
    assert "Someone changed the repetition meanwhile." in stale
    assert "Choose a date of the series." in broken
    assert (changed.rule, changed.exceptions) == ("FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR", [date(2090, 5, 22)])
    assert "OPS-1 no longer repeats." in visible_text(removed)
    assert not Recurrence.objects.exists()


def test_task_without_due_date_asks_for_one(page, task):
    text = visible_text(page.get(URL))

    assert "Set a due date to make this task repeat." in text
    assert "Give the task a due date first." in visible_text(page.post(SET_URL, WEEKLY, follow=True))


def test_closed_task_names_the_one_that_follows(page, monthly):
    RecurrenceFactory(task=monthly)
    page.post(f"{URL}cell/status/", {"status": "done"})

    assert "Followed by OPS-2" in visible_text(page.get(URL))


def test_task_list_shows_recurring_tasks_without_a_query(page, project, queries):
    TaskFactory(project=project)
    page.get("/tasks/")
    with queries() as without:
        page.get("/tasks/")
    for day in range(1, 6):
        RecurrenceFactory(task=TaskFactory(project=project, due_date=date(2090, 5, day)))

    with queries(equal_to=without):
        response = page.get("/tasks/")

    assert response.content.count(b'<span class="sr-only">Repeats</span>') == 5


def test_form_expresses_common_rules():
    common = [
        "FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
        "FREQ=MONTHLY;COUNT=3",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;UNTIL=20910101;BYDAY=2FR",
        "FREQ=YEARLY",
    ]
    custom = [
        "FREQ=MONTHLY;BYDAY=1FR",
        "FREQ=YEARLY;BYMONTH=1",
        "FREQ=DAILY;UNTIL=20910101T100000Z",
        "FREQ=DAILY;COUNT=1",
    ]
    start = date(2090, 5, 12)
    for text in common:
        form = RecurrenceForm(initial_data(parse(text), "fixed"), starts_on=start)
        assert form.is_valid(), form.errors
        assert form.rule_text() == text
    assert [text for text in custom if is_common(parse(text), start)] == []


def test_custom_rule_is_not_wiped_by_the_form(page, monthly):
    RecurrenceFactory(task=monthly, rule="FREQ=YEARLY;BYMONTH=1,7;BYDAY=1MO")

    response = page.get(URL)

    assert b'value="FREQ=YEARLY;BYMONTH=1,7;BYDAY=1MO"' in response.content
    assert '<option value="CUSTOM" selected>' in response.content.decode()
    assert "Every year on the first Monday in January and July" in visible_text(response)


def test_reminder_page_adds_and_deletes(page, project, bob):
    TaskFactory(project=project, due_at=datetime(2090, 5, 4, 12, 0, tzinfo=UTC))
    url = f"{URL}reminders/"

    page.post(url, {"when": "minutes:60"})
    page.post(url, {"when": "days:1", "time": "18:00"})
    page.post(url, {"when": "at", "at": "2090-05-01T09:30"})
    refused = [page.post(url, data) for data in ({"when": "minutes:60"}, {"when": "at"}, {"when": "never"})]
    text = visible_text(page.get(URL))
    reminder = bob.task_reminders.first()
    deleted = page.post(f"{url}{reminder.pk}/delete/", follow=True)

    for words in ("1 hour before it", "At 18:00 on the day before", "1 May 2090, 09:30", "Only you see them"):
        assert words in text
    assert [response.status_code for response in refused] == [422, 422, 422]
    assert "You have this reminder already." in visible_text(refused[0])
    assert "Reminder deleted." in visible_text(deleted)
    assert bob.task_reminders.count() == 2


def test_following_tasks_that_a_reader_cannot_see_are_not_named(client, page, monthly, alice, viewer):
    RecurrenceFactory(task=monthly)
    guest = TaskShareFactory(task=monthly, user=UserFactory()).user
    page.post(f"/tasks/{monthly.key}/cell/status/", {"status": "done"})
    following = Recurrence.objects.get().task
    seen = visible_text(page.get(f"/tasks/{monthly.key}/"))
    as_guest = visible_text(logged_in_client(guest).get(f"/tasks/{monthly.key}/"))
    moving.move(actor=alice, ref=str(following.pk), project=ProjectFactory(owner=alice, key="SECRET").key, now=NOW)

    as_viewer = visible_text(logged_in_client(viewer).get(f"/tasks/{monthly.key}/"))

    assert f"Followed by {following.key}" in seen
    assert f"created the next one, {following.key}" in seen
    assert "created the next one" in as_guest
    assert following.key not in as_guest
    assert "SECRET" not in as_viewer
