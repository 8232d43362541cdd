"""The calendar: days in the reader's time zone, moves to another day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.models import ProjectMember, Role, Task
from tasks.tests.factories import ProjectFactory, TaskFactory

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#calendar"}
URL = "/projects/OPS/calendar/"


@pytest.fixture
def alice(db):
    return UserFactory(name="Alice")


@pytest.fixture
def project(alice):
    return ProjectFactory(key="OPS", owner=alice)


@pytest.fixture
def browser(alice):
    return logged_in_client(alice)


def days_of(response) -> dict[str, list[str]]:
    days = response.context["schedule"].days
    return {day.date.isoformat(): [entry.task.title for entry in day.entries] for day in days if day.entries}


def test_calendar_shows_days_of_the_readers_zone(browser, project, alice):
    TaskFactory(project=project, title="All day", due_date=date(2026, 11, 30))
    # Midnight in Kiritimati, 14 hours ahead of UTC, where it is a day later.
    TaskFactory(project=project, title="Midnight", due_at=datetime(2026, 11, 30, 10, tzinfo=UTC))
    TaskFactory(project=project, title="Before", due_at=datetime(2026, 11, 30, 9, 59, tzinfo=UTC))
    TaskFactory(project=project, title="Some day")
    TaskFactory(title="Of another project", due_date=date(2026, 11, 30))
    cases = [
        ("UTC", {"2026-11-30": ["Before", "Midnight", "All day"]}),
        ("Pacific/Kiritimati", {"2026-11-30": ["Before", "All day"], "2026-12-01": ["Midnight"]}),
        ("Pacific/Niue", {"2026-11-29": ["Before", "Midnight"], "2026-11-30": ["All day"]}),
    ]
    for zone, expected in cases:
        alice.time_zone = zone
        alice.save()
        for url in (
            f"{URL}?date=2026-11-15",
            f"{URL}?view=week&date=2026-11-30",
            "/calendar/?view=agenda&date=2026-11-20",
        ):
            page = browser.get(url)

            days = days_of(page)
            assert {day: sorted(titles) for day, titles in days.items()} == {
                day: sorted(titles) for day, titles in expected.items() if day in days
            }, (zone, url)
            assert [entry.task.title for entry in page.context["schedule"].unscheduled] == ["Some day"]
        assert days_of(browser.get(f"{URL}?date=2026-11-15")) == expected


def test_period_begins_with_the_readers_week(browser, project, alice):
    cases = [
        ("monday", "month", "2026-11-15", "2026-10-26", "2026-12-06"),
        ("sunday", "month", "2026-11-15", "2026-11-01", "2026-12-05"),
        ("saturday", "week", "2026-11-30", "2026-11-28", "2026-12-04"),
        ("monday", "agenda", "2026-11-30", "2026-11-30", "2026-12-29"),
        ("monday", "week", "0001-01-01", "1000-03-10", "1000-03-16"),
    ]
    for week_start, view, day, first, last in cases:
        alice.week_start = week_start
        alice.save()

        period = browser.get(f"{URL}?view={view}&date={day}").context["period"]

        assert (str(period.first), str(period.last)) == (first, last), view
    for wrong in ("date=nonsense", "view=year", "date=9999-12-31", "task=x"):
        assert browser.get(f"{URL}?{wrong}").status_code == 200


def test_calendar_needs_as_many_queries_for_many_tasks(browser, project, django_assert_max_num_queries):
    TaskFactory.create_batch(2, project=project, due_date=date(2026, 11, 30))
    TaskFactory(project=project)
    url = f"{URL}?date=2026-11-30"
    browser.get(url)
    with django_assert_max_num_queries(30) as few:
        browser.get(url)

    TaskFactory.create_batch(7, project=project, due_date=date(2026, 11, 30))
    TaskFactory.create_batch(5, project=project, due_date=date(2026, 11, 29))
    TaskFactory.create_batch(25, project=project)
    with django_assert_max_num_queries(len(few)):
        page = browser.get(url)

    schedule = page.context["schedule"]
    counts = {day.date.day: (len(day.entries), day.hidden_count) for day in schedule.days if day.entries}
    assert counts == {29: (4, 1), 30: (4, 5)}
    assert (len(schedule.unscheduled), schedule.has_more_unscheduled) == (20, True)
    for day, count in ((page.context["list_url"] + "2026-11-30", 9), (page.context["list_url"] + "none", 26)):
        assert browser.get(day).context["count"] == count


def test_move_keeps_the_time_of_day_and_is_undone(browser, project, alice):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    berlin = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)  # 02:30 in summer time
    cases = [
        ({"due_date": date(2026, 10, 24)}, "2026-10-25", (date(2026, 10, 25), None)),
        ({"due_date": date(2026, 10, 24)}, "", (None, None)),
        ({}, "2026-10-25", (date(2026, 10, 25), None)),
        # 02:30 happens twice on the 25th, and is the first; a day later it is winter.
        ({"due_at": berlin}, "2026-10-25", (None, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))),
        ({"due_at": berlin}, "2026-10-26", (None, datetime(2026, 10, 26, 1, 30, tzinfo=UTC))),
        # On 29 March 2027 02:30 is skipped the day before.
        ({"due_at": berlin}, "2027-03-28", (None, datetime(2027, 3, 28, 1, 30, tzinfo=UTC))),
        ({"due_at": berlin}, "", (None, None)),
    ]
    for values, day, expected in cases:
        task = TaskFactory(project=project, **values)
        seen = "2026-10-24" if values else ""

        response = browser.post(
            f"{URL}move/",
            {"task": task.pk, "version": 1, "seen": seen, "day": day, "next": f"{URL}?date=2026-10-01"},
            headers=HTMX,
        )

        assert response.status_code == 200, response.text
        task.refresh_from_db()
        assert (task.due_date, task.due_at) == expected
        assert Event.objects.filter(subject_id=task.pk).count() == 1
        browser.post("/undo/", {"token": response.headers["Undo-Token"], "next": URL})
        task.refresh_from_db()
        assert (task.due_date, task.due_at) == (values.get("due_date"), values.get("due_at"))


def test_refused_move_changes_nothing_and_says_why(browser, project, alice):
    task = TaskFactory(project=project, start_date=date(2026, 11, 10), due_date=date(2026, 11, 20))
    foreign = TaskFactory(due_date=date(2026, 11, 20))
    viewed = TaskFactory(project=ProjectFactory(key="VIEW"), due_date=date(2026, 11, 20))
    ProjectMember.objects.create(project=viewed.project, user=alice, role=Role.VIEWER, effective_role=Role.VIEWER)
    Task.objects.filter(pk=task.pk).update(version=2)
    before = list(Task.objects.order_by("pk").values_list("pk", "due_date", "due_at", "version"))
    errors = [
        ({"task": task.pk, "day": "2026-11-09"}, 422),
        ({"task": task.pk, "day": "nonsense"}, 422),
        ({"day": "2026-11-21"}, 422),
        # Somebody has moved it since the page was loaded.
        ({"task": task.pk, "day": "2026-11-21", "version": 1, "seen": "2026-11-18"}, 409),
        ({"task": foreign.pk, "day": "2026-11-21"}, 404),
        ({"task": viewed.pk, "day": "2026-11-21"}, 403),
    ]
    for data, status in errors:
        response = browser.post("/calendar/move/", data, headers=HTMX)

        assert response.status_code == status, data
        assert status == 403 or "toast" in response.headers["HX-Trigger"]
        assert list(Task.objects.order_by("pk").values_list("pk", "due_date", "due_at", "version")) == before
    page = browser.get("/projects/VIEW/calendar/?date=2026-11-20")
    assert viewed.title in page.text
    assert ("data-movable" in page.text, "move-task" in page.text) == (False, False)
    # Another change than of the date is no conflict.
    data = {"task": task.pk, "day": "2026-11-21", "version": 1, "seen": "2026-11-20", "next": f"{URL}?view=week"}
    assert browser.post(f"{URL}move/", data).url == f"{URL}?view=week"
    task.refresh_from_db()
    assert (task.due_date, task.version) == (date(2026, 11, 20) + timedelta(days=1), 3)
