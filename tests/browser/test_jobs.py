"""Ten common jobs, counted in key presses and clicks: docs/jobs.md compares them with other products."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Task
from tasks.tests.factories import ProjectFactory
from tests.browser.conftest import wait_until

TABLE = Path(__file__).parents[2] / "docs" / "jobs.md"


class CountedPage:
    """Counts what a person does: each key and chord, each click and drag. The words of a text are not counted."""

    def __init__(self, page):
        self.page = page
        self.actions = 0

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        self.actions += len(keys)

    def type(self, text):
        self.page.keyboard.type(text)

    def click(self, selector):
        self.page.click(selector)
        self.actions += 1

    def drag(self, source, target):
        self.page.locator(source).drag_to(self.page.locator(target), target_position={"x": 40, "y": 4})
        self.actions += 1


@pytest.fixture(scope="module")
def work(sample_workspace):
    ProjectFactory(key="JOBS", name="Jobs", owner=sample_workspace)
    new = [drafts.TaskDraft(title=f"Water the plants {number}") for number in range(1, 9)]
    new.append(drafts.TaskDraft(title="Renew the certificate"))
    return items.create_many(actor=sample_workspace, project_ref="JOBS", drafts=new, now=timezone.now())


def toast(page, text):
    page.page.wait_for_selector(f".toast:has-text('{text}')")
    page.page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")


def create_five_tasks(page):
    page.click("#add-title")
    for number in range(5):
        page.type(f"Paint wall {number}")
        page.press("Enter")
        toast(page, "created")
    assert Task.objects.filter(title__startswith="Paint wall").count() == 5


def assign_the_open_task(page):
    page.press("i")
    toast(page, "1 task changed.")


def set_the_due_date(page):
    page.press("d")
    page.page.wait_for_selector("input[name=due_date]:focus")
    # Typed into the date field, as its parts; the fill is the text.
    page.page.fill("input[name=due_date]:focus", "2031-02-03")
    page.press("Enter")
    toast(page, "Due saved.")


def set_the_priority(page):
    page.press("p")
    page.page.wait_for_selector("select[name=priority]:focus")
    page.type("Urgent")
    page.press("Enter")
    toast(page, "Priority saved.")


def complete_the_open_task(page):
    page.press("t")
    page.page.wait_for_selector(".page-head select[name=status] [data-done][selected]", state="attached")


def comment(page):
    page.click("#comments [name=body]")
    page.type("Done with love.")
    page.press("Control+Enter")
    page.page.wait_for_selector("#comments >> text=Done with love.")


def move_three_tasks(page):
    for number in range(1, 4):
        page.drag("[data-status=todo] [data-card] >> nth=0", "[data-status=in_progress] [data-cards]")
        wait_until(page.page, f"document.querySelectorAll('[data-status=in_progress] [data-card]').length === {number}")
        wait_until(page.page, "document.querySelector('.toast') !== null")
        page.page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")
    assert Task.objects.filter(project__key="JOBS", category="in_progress").count() == 3


def find_by_a_typo(page):
    page.press("/")
    page.type("certifcate")
    page.press("Enter")
    page.page.wait_for_selector("tbody >> text=Renew the certificate")


def open_by_reference(page):
    page.press("Control+k")
    page.type("JOBS-3")
    page.press("Enter")
    page.page.wait_for_url("**/tasks/JOBS-3/")


def plan_three_tasks_of_the_week(page):
    monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday())
    tasks = Task.objects.filter(project__key="JOBS", due_date=None, closed_at=None).order_by("number")[:3]
    for place, task in enumerate(tasks):
        page.drag(f"[data-card='{task.pk}']:visible", f"[data-day='{monday + timedelta(days=place)}']:visible")
        toast(page, f"{task.key} is due on")


# Name in docs/jobs.md, the page where it begins, and what is done.
JOBS = (
    ("Create five tasks", "/projects/JOBS/", create_five_tasks),
    ("Find a task with a typo", "/", find_by_a_typo),
    ("Open a task by its reference", "/", open_by_reference),
    ("Set a due date", "/tasks/JOBS-1/", set_the_due_date),
    ("Set a priority", "/tasks/JOBS-1/", set_the_priority),
    ("Assign a task to yourself", "/tasks/JOBS-1/", assign_the_open_task),
    ("Comment", "/tasks/JOBS-1/", comment),
    ("Complete a task", "/tasks/JOBS-1/", complete_the_open_task),
    ("Move three tasks to another status", "/projects/JOBS/board/", move_three_tasks),
    ("Plan three tasks of the week", "/projects/JOBS/calendar/?view=week", plan_three_tasks_of_the_week),
)


def test_jobs_take_the_documented_number_of_actions(sample_workspace, open_page, work):
    page = open_page(sample_workspace)
    counts = {}
    for name, start, job in JOBS:
        page.goto(start)
        counted = CountedPage(page)
        job(counted)
        counts[name] = counted.actions
    documented = {
        match[1].strip(): [int(number) for number in re.findall(r"\d+", match[2])]
        for match in re.finditer(r"^\| ([A-Z][^|]+) \|((?: \d+ \|){3})", TABLE.read_text(), re.MULTILINE)
    }

    assert {name: numbers[0] for name, numbers in documented.items()} == counts
    assert {name for name, numbers in documented.items() if numbers[0] > min(numbers[1:])} == set()
    assert page.evaluate("violations") == []
