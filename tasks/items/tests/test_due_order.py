"""One order of due dates and due times, with days in the reader's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from django.utils.html import strip_tags

from core import time_zones
from core.testing.page_client import logged_in_client
from core.time_zones import sql_time_zone
from tasks.items import page_queries
from tasks.templatetags.tasks import due_badge
from tasks.tests.factories import TaskFactory

TASKS = "/api/v1/tasks/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def set_time_zone(alice):
    def set_zone(name):
        alice.time_zone = name
        alice.save()

    return set_zone


def titles(response):
    return [row["title"] for row in response.json()["results"]]


def page_titles(user, query):
    return [row.task.title for row in logged_in_client(user).get(f"/tasks/?{query}").context["rows"]]


def test_due_order_mixes_days_and_instants(project, clients, alice):
    """Case f03 of the bug reports."""
    TaskFactory(project=project, title="C", due_date=date(2031, 1, 1))
    TaskFactory(project=project, title="D")
    TaskFactory(project=project, title="B", due_at=datetime(2030, 1, 5, 9, tzinfo=UTC))
    TaskFactory(project=project, title="A", due_date=date(2030, 1, 1))

    for name in ("due_date", "due_at"):
        assert titles(clients["alice"].get(f"{TASKS}?ordering={name}")) == ["A", "B", "C", "D"]
        assert titles(clients["alice"].get(f"{TASKS}?ordering=-{name}")) == ["C", "B", "A", "D"]
        assert titles(clients["alice"].get(f"{TASKS}?ordering={name}&page=1")) == ["A", "B", "C", "D"]
    assert titles(clients["alice"].get(f"{TASKS}?ordering=due_date&search=a")) == ["A"]
    assert page_titles(alice, "ordering=due_date") == ["A", "B", "C", "D"]
    assert page_titles(alice, "ordering=-due_date") == ["C", "B", "A", "D"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        # 1 May ends at 10:00 UTC on Kiritimati, at 04:00 UTC of 2 May in New York.
        ("Pacific/Kiritimati", ["day", "noon", "late"]),
        ("UTC", ["noon", "day", "late"]),
        ("America/New_York", ["noon", "late", "day"]),
    ],
)
def test_day_ends_in_time_zone_of_reader(zone, expected, project, clients, alice, set_time_zone):
    set_time_zone(zone)
    TaskFactory(project=project, title="late", due_at=datetime(2030, 5, 2, 3, tzinfo=UTC))
    TaskFactory(project=project, title="day", due_date=date(2030, 5, 1))
    TaskFactory(project=project, title="noon", due_at=datetime(2030, 5, 1, 12, tzinfo=UTC))

    assert titles(clients["alice"].get(f"{TASKS}?ordering=due_date")) == expected
    assert page_titles(alice, "ordering=due_date") == expected


def test_longest_overdue_task_comes_first(project, alice):
    for title, due in (("c", {"due_date": date(2026, 4, 29)}), ("a", {"due_at": datetime(2026, 4, 27, 8, tzinfo=UTC)}),
                       ("b", {"due_date": date(2026, 4, 28)})):  # fmt: skip
        TaskFactory(project=project, title=title, **due)

    now = datetime(2026, 5, 1, tzinfo=UTC)
    overdue = page_queries.list_overdue(alice, None, now=now, today=now.date(), limit=9)

    assert [task.title for task in overdue] == ["a", "b", "c"]


def test_due_filters_use_days_of_reader(project, clients, alice, set_time_zone):
    """Case f25: 20:30 UTC on 1 May is the morning of 2 May in Auckland."""
    set_time_zone("Pacific/Auckland")
    TaskFactory(project=project, title="call", due_at=datetime(2030, 5, 1, 20, 30, tzinfo=UTC))
    TaskFactory(project=project, title="day", due_date=date(2030, 5, 2))
    TaskFactory(project=project, title="before", due_at=datetime(2030, 5, 1, 11, 59, 59, tzinfo=UTC))

    def matching(query):
        return sorted(titles(clients["alice"].get(f"{TASKS}?{query}")))

    assert matching("due_after=2030-05-02&due_before=2030-05-02") == ["call", "day"]
    assert matching("due_after=2030-05-01&due_before=2030-05-01") == ["before"]
    assert matching("due_before=2030-05-01&search=before") == ["before"]
    with time_machine.travel(datetime(2030, 5, 2, 1, tzinfo=UTC), tick=False):
        assert page_titles(alice, "due=today&ordering=title") == ["call", "day"]


def test_due_filters_include_hours_of_changed_clocks(project, clients, set_time_zone):
    """On 29 March 2026 a day of Berlin has 23 hours, on 25 October 25."""
    set_time_zone("Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        for name, hour in (("first", 0), ("last", 23)):
            due_at = datetime(day.year, day.month, day.day, hour, 59, tzinfo=berlin)
            TaskFactory(project=project, title=f"{name} {day}", due_at=due_at)

        response = clients["alice"].get(f"{TASKS}?due_after={day}&due_before={day}&ordering=due_at")

        assert titles(response) == [f"first {day}", f"last {day}"]


@pytest.mark.parametrize("name", ["Japan", "EST5EDT", "GB", "Etc/GMT+5", "Asia/Kolkata"])
def test_due_order_accepts_any_time_zone(name, project, clients, alice, set_time_zone):
    set_time_zone(name)
    TaskFactory(project=project, title="B", due_at=datetime(2030, 1, 5, 9, tzinfo=UTC))
    TaskFactory(project=project, title="A", due_date=date(2030, 1, 1))

    assert titles(clients["alice"].get(f"{TASKS}?ordering=due_date&due_after=2029-12-31")) == ["A", "B"]


def test_time_zone_unknown_to_postgresql_becomes_offset(monkeypatch, db):
    sql_time_zone.cache_clear()
    monkeypatch.setattr(time_zones, "SERVER_KNOWS_ZONE", "SELECT false WHERE %s <> ''")

    offsets = [sql_time_zone(name) for name in ("Japan", "Asia/Kolkata", "Etc/GMT+5", "UTC")]

    sql_time_zone.cache_clear()
    assert offsets == ["<+0900>-09:00", "<+0530>-05:30", "<-0500>+05:00", "UTC"]


def test_due_dates_and_times_have_one_style(project, alice, set_time_zone):
    """Defect D6 of the review."""
    set_time_zone("Europe/Berlin")
    TaskFactory(project=project, title="a", due_date=date(2026, 11, 20))
    TaskFactory(project=project, title="b", due_at=datetime(2026, 11, 21, 11, 30, tzinfo=UTC))
    TaskFactory(project=project, title="c", due_date=date(2026, 12, 7))
    TaskFactory(project=project, title="d", due_at=datetime(2026, 12, 5, 11, 30, tzinfo=UTC))
    TaskFactory(project=project, title="e", due_at=datetime(2027, 12, 5, 11, 30, tzinfo=UTC))

    with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC), tick=False):
        rows = logged_in_client(alice).get("/tasks/?ordering=title").context["rows"]
        with timezone.override("Europe/Berlin"):
            texts = [strip_tags(due_badge(row.task)) for row in rows]

    assert texts == ["Overdue: 20 Nov", "Overdue: 21 Nov, 12:30", "7 Dec", "5 Dec, 12:30", "5 Dec 2027, 12:30"]
