from __future__ import annotations

import pytest

from tasks.models import Task
from tests.browser.conftest import AXE_SCRIPT

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_quick_add_shows_chips_and_creates_the_task(width, scheme, sample_workspace, open_page):
    page = open_page(sample_workspace, width=width, scheme=scheme)
    page.goto("/tasks/")
    page.click(".topbar button[popovertarget=quick-add]")
    page.fill("#quick-title", f"Pay rent {width} tomorrow 9am #ops @bob !high every month #nothing")
    page.locator("#quick-preview .chip", has_text="Every month").wait_for()
    problems = page.locator("#quick-preview").inner_text()
    page.fill("#quick-title", f"Pay rent {width} tomorrow 9am #ops @bob +bills !high ~30m every month")
    page.locator("#quick-preview .chip", has_text="30 min").wait_for()
    preview = page.locator("#quick-preview").inner_text()
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("axe.run('#quick-add').then((result) => result.violations.map(({ id }) => id))")
    page.click("#quick-add button[type=submit]")
    page.locator(".toast a").wait_for()
    assert page.locator("h1").inner_text() == "Tasks"
    page.click(".toast a")
    page.locator("h1", has_text=f"Pay rent {width}").wait_for()

    assert "several projects" in problems
    assert all(text in preview for text in ("Operations", "Bob Builder", "bills", "High"))
    assert violations == []
    assert page.evaluate("violations") == []
    task = Task.objects.get(title=f"Pay rent {width}")
    assert (task.project.key, task.priority, task.estimate, task.is_recurring) == ("OPS", 3, 30, True)


def test_quick_add_page_works_without_scripts(sample_workspace, open_page):
    page = open_page(sample_workspace, scripts=False)
    page.goto("/tasks/quick-add/")
    page.fill("#id_text", "Without a script tomorrow !low")
    page.click("button[formaction]")
    preview = page.locator("main [role=status]").inner_text()
    page.click("main button.primary")
    page.locator("h1", has_text="Without a script").wait_for()

    assert "Due" in preview
    assert Task.objects.filter(title="Without a script", priority=1).count() == 1


def test_quick_adds_of_a_project_follow_one_another(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/projects/OPS/")
    page.fill("#add-title", "Renew the certificate tomorrow !high")
    page.locator("#add-preview .chip", has_text="High").wait_for()
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="created").wait_for()
    # The focus is in the field again, so the next task is typed at once.
    page.keyboard.type("Check the backup")
    page.keyboard.press("Enter")
    page.locator(".task-name", has_text="Check the backup").wait_for()

    assert page.url.endswith("/projects/OPS/")
    assert Task.objects.filter(project__key="OPS", title="Renew the certificate", priority=3).count() == 1
    assert page.evaluate("violations") == []
