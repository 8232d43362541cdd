"""Fields of tasks edited where they stand."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from accounts.models import User
from tasks.items import services as items
from tasks.models import Task
from tests.browser.conftest import AXE_SCRIPT

pytestmark = pytest.mark.timeout(180)
AXE = "axe.run(document).then((result) => result.violations.map(({ id, nodes }) => [id, nodes[0].html]))"


def shoot(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_cells_of_the_list_are_edited_in_place(width, scheme, sample_workspace, open_page):
    page = open_page(sample_workspace, width=width, scheme=scheme)
    task = Task.objects.get(project__key="OPS", number=31 if width > 400 else 34)
    row = f"#task-{task.pk}"
    page.goto(f"/tasks/?search={task.key}")

    page.focus(f"{row} [data-cell=priority]")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{row} select[name=priority]:focus")
    page.keyboard.press("Escape")
    assert page.locator(f"{row} [data-cell=priority]").evaluate("(link) => link === document.activeElement")
    page.click(f"{row} [data-cell=priority]")
    page.select_option(f"{row} select[name=priority]", "4")
    page.wait_for_selector(".toast:has-text('Priority saved.')")
    page.wait_for_selector(f"{row} [data-cell=priority]:focus")
    page.click(f"{row} [data-cell=due]")
    page.fill(f"{row} input[name=due_date]", "2031-02-03")
    shoot(page, f"cell-due-{width}")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('Due saved.')")
    page.click(f"{row} [data-cell=assignees]")
    page.check(f"{row} label:has-text('Bob Builder') input")
    shoot(page, f"cell-assignees-{width}")
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(AXE)
    page.click(f"{row} .cell-form button:text('Save')")
    page.wait_for_selector(".toast:has-text('Assignees saved.')")
    page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")
    page.click(f"{row} .row-actions a[hx-get]")
    page.wait_for_selector(f"{row} .row-menu a:text('Edit title')")
    shoot(page, f"row-menu-{width}")
    page.click(f"{row} .row-menu a:text('Edit title')")
    page.wait_for_selector(f"{row} input[name=title]:focus")

    # Somebody else is faster.
    bob = User.objects.get(handle="bob")
    items.update(actor=bob, ref=task.key, changes={"title": "Theirs"}, now=timezone.now())
    page.fill(f"{row} input[name=title]", "Mine")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{row} .cell-form [role=alert]:has-text('Theirs')")
    shoot(page, f"cell-conflict-{width}")
    page.click(f"{row} button:text('Keep mine')" if width > 400 else f"{row} a:text('Take theirs')")
    expected = "Mine" if width > 400 else "Theirs"
    page.wait_for_selector(f"{row} .task-name:text('{expected}')")

    assert violations == []
    assert page.evaluate("violations") == []
    task.refresh_from_db()
    assert (task.title, task.priority, f"{task.due_date}") == (expected, 4, "2031-02-03")
    assert task.assignees.filter(handle="bob").exists()


def test_fields_of_the_task_page_are_edited_in_place(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/OPS-40/")
    page.click("#cell-title")
    page.fill("#task-name input[name=title]", "A better title")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text('A better title')")
    page.wait_for_selector("#cell-title:focus")
    page.click("#cell-due")
    page.fill("dd input[name=due_date]", "2031-02-03")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('Due saved.')")
    page.click("#cell-description")
    page.fill("#task-description textarea", "Some text")
    page.locator("#task-description textarea").select_text()
    page.click("#task-description button:has-text('Bold')")
    assert page.input_value("#task-description textarea") == "**Some text**"
    page.click("#task-description button:text('Checkbox')")
    assert page.input_value("#task-description textarea") == "- [ ] **Some text**"
    page.click("#task-description button:text('Preview')")
    page.wait_for_selector("#markdown-preview strong:text('Some text')")
    shoot(page, "task-description")
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(AXE)
    page.click("#task-description button:text('Save')")
    page.wait_for_selector("#task-description .prose:has-text('Some text')")

    assert violations == []
    assert page.evaluate("violations") == []


def test_columns_are_chosen_and_moved_by_links(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/projects/OPS/?columns=title,due")
    page.click(".column-menu summary")
    page.click(".column-menu a:has-text('Number field')")
    page.wait_for_selector("th:text('Number field')")
    page.click(".column-menu summary")
    shoot(page, "columns")
    page.click(".column-menu a:has-text('to the left')")
    page.wait_for_url("**columns=title,field.number_field,due")
    page.goto("/tasks/?filter=state:open&columns=title,due,labels,field.number_field")
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE) == []
    assert page.evaluate("violations") == []
    shoot(page, "columns-list")
    page.set_viewport_size({"width": 390, "height": 844})
    shoot(page, "columns-390")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
