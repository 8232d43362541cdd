"""The timeline of a project: which tasks it shows, and changes of their dates."""

from __future__ import annotations

from datetime import date

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from tasks.models import ProjectMember, Role, Task
from tasks.tests.factories import ProjectFactory, TaskFactory, TaskRelationFactory
from tasks.timeline import selectors

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#timeline"}
URL = "/projects/OPS/timeline/"
AT = f"{URL}?date=2026-11-02"


@pytest.fixture
def alice(db):
    return UserFactory(name="Alice")


@pytest.fixture
def project(alice):
    return ProjectFactory(key="OPS", owner=alice)


@pytest.fixture
def browser(alice):
    return logged_in_client(alice)


def test_timeline_draws_tasks_between_its_days(browser, project, monkeypatch, django_assert_max_num_queries):
    spans = {
        "Before": (date(2026, 10, 1), date(2026, 11, 1)),
        "Over the beginning": (date(2026, 10, 1), date(2026, 11, 2)),
        "Start only": (date(2026, 11, 4), None),
        "Due only": (None, date(2026, 11, 5)),
        "Span": (date(2026, 11, 9), date(2026, 11, 10)),
        "After": (date(2027, 12, 1), None),
        "Some day": (None, None),
    }
    tasks = {
        title: TaskFactory(project=project, title=title, start_date=start, due_date=due)
        for title, (start, due) in spans.items()
    }
    TaskRelationFactory(source=tasks["Due only"], target=tasks["Span"], kind="blocks")
    TaskRelationFactory(source=tasks["Span"], target=tasks["Start only"], kind="blocks")
    browser.get(AT)
    with django_assert_max_num_queries(30) as few:
        page = browser.get(f"{AT}&zoom=month")
    query_count = len(few)

    drawing = page.context["drawing"]
    bars = {bar.item.task.title: (bar.x, bar.width) for bar in drawing.bars}
    assert bars == {"Over the beginning": (0, 11), "Start only": (22, 11), "Due only": (33, 11), "Span": (77, 22)}
    assert sorted(link.is_late for link in drawing.links) == [False, True]
    assert [task.title for task in page.context["tasks"].undated] == ["Some day"]
    assert "style=" not in page.text
    assert browser.get(page.context["undated_url"]).context["count"] == 1
    for wrong in ("zoom=x&date=nonsense&page=x", "date=0001-01-01", "date=9999-12-31&zoom=quarter", "page=99999"):
        assert browser.get(f"{URL}?{wrong}").status_code == 200

    TaskFactory.create_batch(30, project=project, start_date=date(2026, 11, 20))
    monkeypatch.setattr(selectors, "ROWS_PER_PAGE", 20)
    with django_assert_max_num_queries(query_count):
        page = browser.get(AT)
    assert (len(page.context["drawing"].bars), page.context["tasks"].has_next) == (20, True)
    assert len(browser.get(f"{AT}&page=2").context["drawing"].bars) == 14


def test_dates_are_changed_in_one_undoable_write(browser, project, alice):
    task = TaskFactory(project=project, start_date=date(2026, 11, 9), due_date=date(2026, 11, 10))
    Task.objects.filter(pk=task.pk).update(title="Renamed meanwhile", version=2)
    data = {"task": task.pk, "version": 1, "seen_start": "2026-11-09", "seen_due": "2026-11-10", "next": AT}

    response = browser.post(f"{URL}dates/", {**data, "start": "2026-11-12", "due": "2026-11-13"}, headers=HTMX)

    task.refresh_from_db()
    assert (response.status_code, task.start_date, task.due_date) == (200, date(2026, 11, 12), date(2026, 11, 13))
    before = list(Task.objects.values_list("start_date", "due_date", "version"))
    errors = [
        ({**data, "start": "2026-11-20", "due": "2026-11-21"}, 409),
        ({"task": task.pk, "start": "2026-11-20", "due": "2026-11-19"}, 422),
        ({"task": task.pk, "start": "nonsense"}, 422),
        ({"task": TaskFactory().pk, "start": "2026-11-20"}, 404),
    ]
    for values, status in errors:
        assert browser.post(f"{URL}dates/", values, headers=HTMX).status_code == status, values
        assert list(Task.objects.filter(pk=task.pk).values_list("start_date", "due_date", "version")) == before
    viewer = UserFactory()
    ProjectMember.objects.create(project=project, user=viewer, role=Role.VIEWER, effective_role=Role.VIEWER)
    client = logged_in_client(viewer)
    assert "data-dates" not in client.get(AT).text
    assert client.post(f"{URL}dates/", {"task": task.pk}).status_code == 403
    browser.post("/undo/", {"token": response.headers["Undo-Token"], "next": URL})
    task.refresh_from_db()
    assert (task.start_date, task.due_date) == (date(2026, 11, 9), date(2026, 11, 10))
