"""Work of a team: start from nothing, import, save a view, export a report, edit at once, and lose the connection."""

from __future__ import annotations

import csv
from pathlib import Path

from accounts.models import User
from accounts.tests.factories import UserFactory
from tasks.imports.tests.conftest import HEADER
from tasks.models import SavedFilter, Task
from tests.browser.conftest import wait_until

ROWS = "task,Order boxes,1,1,,,,en,UTC\r\ntask,Pack books,4,1,,,,en,UTC\r\nnote,Start with the shelf.,,,,,,,\r\n"


def test_team_starts_imports_saves_a_view_and_exports(sample_workspace, open_page, tmp_path):
    newcomer = UserFactory(handle="nora", name="Nora Newcomer")
    page = open_page(newcomer, accept_downloads=True)
    violations = []

    # First run: the overview of somebody without a project leads to one.
    page.goto("/")
    page.click("main a:text('New project')")
    page.fill("main [name=key]", "HOME")
    page.fill("main [name=name]", "Moving house")
    page.click("main button:text('Create project')")
    page.wait_for_url("**/projects/HOME/")
    violations += page.evaluate("violations")

    page.goto("/import/")
    (tmp_path / "todoist.csv").write_text(HEADER + ROWS)
    page.select_option("main [name=project]", label="Moving house (HOME)")
    page.set_input_files("main [name=file]", tmp_path / "todoist.csv")
    page.click("button:text('Preview import')")
    page.click("button:text('Import 2 tasks')")
    page.wait_for_selector("h2:text('Import finished')")
    violations += page.evaluate("violations")
    page.click("main a:text('Open')")
    assert {task.title for task in Task.objects.filter(project__key="HOME")} == {"Order boxes", "Pack books"}

    # A filter is typed, saved under a name, and opened from the list of filters.
    page.goto("/tasks/?filter=project:HOME+books")
    page.wait_for_selector("tbody tr >> text=Pack books")
    page.click("a:text('Save filter')")
    page.fill("main [name=name]", "Books to pack")
    page.click("main button:text('Save filter')")
    page.wait_for_url("**/tasks/?saved_filter=*")
    assert page.locator("tbody tr[id]").count() == 1
    assert SavedFilter.objects.get(owner=newcomer).name == "Books to pack"
    violations += page.evaluate("violations")

    page.goto("/reports/throughput/?project=HOME")
    with page.expect_download() as download:
        page.click("main a:text('CSV')")
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) > 2
    assert {len(row) for row in rows} == {len(rows[0])}
    assert violations + page.evaluate("violations") == []


def test_task_edited_by_two_people_loses_nothing(sample_workspace, open_page):
    bob = User.objects.get(handle="bob")
    ada_page, bob_page = open_page(sample_workspace), open_page(bob)
    for page in (ada_page, bob_page):
        page.goto("/tasks/OPS-50/")
        page.click("#cell-title")
    ada_page.fill("#task-name input[name=title]", "As Ada wants it")
    ada_page.keyboard.press("Enter")
    ada_page.wait_for_selector("h1:text('As Ada wants it')")
    bob_page.fill("#task-name input[name=title]", "As Bob wants it")
    bob_page.keyboard.press("Enter")

    # Bob is told whose title stands there, and keeps his; nothing was lost or overwritten unseen.
    bob_page.wait_for_selector("[role=alert]:has-text('As Ada wants it')")
    assert Task.objects.get(project__key="OPS", number=50).title == "As Ada wants it"
    bob_page.click("button:text('Keep mine')")
    bob_page.wait_for_selector("h1:text('As Bob wants it')")
    assert Task.objects.get(project__key="OPS", number=50).title == "As Bob wants it"

    # Different fields don't collide.
    ada_page.goto("/tasks/OPS-50/")
    ada_page.click("#cell-due")
    ada_page.fill("dd input[name=due_date]", "2031-02-03")
    bob_page.fill("#comments [name=body]", "Meanwhile, a comment.")
    bob_page.click("#comments button[type=submit]:visible")
    bob_page.wait_for_selector("#comments >> text=Meanwhile, a comment.")
    ada_page.keyboard.press("Enter")
    ada_page.wait_for_selector(".toast:has-text('Due saved.')")
    assert ada_page.evaluate("violations") + bob_page.evaluate("violations") == []


def test_comment_written_without_connection_is_kept(sample_workspace, open_page):
    page = open_page(sample_workspace, service_workers="allow")
    page.goto("/tasks/OPS-51/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_until(page, "navigator.serviceWorker.controller !== null")

    page.context.set_offline(True)
    page.wait_for_selector("#connection:has-text('offline')")
    page.fill("#comments [name=body]", "Written in a tunnel.")
    page.locator("#comments button[type=submit]:visible").click(force=True)
    page.wait_for_timeout(300)
    assert page.input_value("#comments [name=body]") == "Written in a tunnel."
    page.goto("/tasks/OPS-52/")
    assert page.text_content("h1") == "You're offline"

    page.context.set_offline(False)
    page.wait_for_selector("h1:has-text('Task 51')")
    page.goto("/tasks/OPS-51/")
    assert page.input_value("#comments [name=body]") == "Written in a tunnel."
    page.click("#comments button[type=submit]:visible")
    page.wait_for_selector("#comments >> text=Written in a tunnel.")
    assert Task.objects.get(project__key="OPS", number=51).comments.count() == 1
    assert page.evaluate("violations") == []
