"""The calendar in a browser: a task is moved by drag, in the dialog, and without JavaScript."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.tests.factories import ProjectFactory

URL = "/projects/DATES/calendar/?date=2026-11-15"


@pytest.fixture(scope="module")
def dated(sample_workspace):
    ProjectFactory(key="DATES", name="Dates", owner=sample_workspace)
    new = [drafts.TaskDraft(title="Pay rent", due_date=date(2026, 11, 10)), drafts.TaskDraft(title="Some day")]
    return items.create_many(actor=sample_workspace, project_ref="DATES", drafts=new, now=timezone.now())


def moved(page, task, day):
    page.wait_for_selector(f".toast >> text={task.key} is due on")
    page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")
    task.refresh_from_db()
    assert task.due_date == day


def test_task_moves_by_drag_and_in_the_dialog(sample_workspace, open_page, dated):
    rent, some_day = dated
    page = open_page(sample_workspace)
    page.goto(URL)

    for task, day in ((rent, "2026-11-12"), (some_day, "2026-11-13")):
        page.locator(f"[data-card='{task.pk}']:visible").drag_to(page.locator(f"[data-day='{day}']:visible"))
        moved(page, task, date.fromisoformat(day))

    handle = page.locator(f"[data-card='{rent.pk}'] [data-move]:visible")
    handle.click()
    page.fill("#move-dialog input[name=day]", "2026-11-20")
    page.keyboard.press("Enter")
    moved(page, rent, date(2026, 11, 20))
    page.wait_for_selector(f"[data-day='2026-11-20'] [data-card='{rent.pk}']:visible")
    assert handle.evaluate("(element) => element === document.activeElement")
    assert page.evaluate("window.violations") == []


def test_task_moves_without_javascript(sample_workspace, open_page, dated):
    task = dated[0]
    page = open_page(sample_workspace, width=390, scripts=False)
    page.goto(URL)

    page.locator(f"[data-card='{task.pk}'] [data-move]:visible").click()
    page.fill("section >> input[name=day]", "2026-11-25")
    page.click("section >> role=button[name=Move]")

    page.wait_for_selector(f".toast >> text={task.key} is due on")
    assert "date=2026-11-15" in page.url
    task.refresh_from_db()
    assert task.due_date == date(2026, 11, 25)


def test_timeline_changes_dates_in_the_dialog(sample_workspace, open_page, dated):
    task = dated[0]
    page = open_page(sample_workspace)
    page.goto("/projects/DATES/timeline/?date=2026-11-02")

    handle = page.locator(f"[data-card='{task.pk}'] [data-dates]")
    handle.click()
    page.fill("#dates-dialog input[name=start]", "2026-11-09")
    page.fill("#dates-dialog input[name=due]", "2026-11-11")
    page.keyboard.press("Enter")

    page.wait_for_selector(f".toast >> text=Dates of {task.key} changed.")
    task.refresh_from_db()
    assert (task.start_date, task.due_date) == (date(2026, 11, 9), date(2026, 11, 11))
    # Three days of 11 pixels, a week after the first day.
    assert page.locator("rect.bar").first.evaluate("({ x, width }) => [x.baseVal.value, width.baseVal.value]") == [
        77,
        33,
    ]
    assert handle.evaluate("(element) => element === document.activeElement")
    assert page.evaluate("window.violations") == []
