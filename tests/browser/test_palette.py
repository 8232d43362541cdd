"""The command palette and the keys of lists and tasks, in a browser."""

from __future__ import annotations

from config.web_app import OFFLINE_FILES
from tasks.models import Task
from tests.browser.conftest import AXE_SCRIPT, wait_until
from tests.browser.test_all_pages import AXE_RUN_SCRIPT

OPTIONS = "#palette [role=option]"


def focused_key(page):
    return page.evaluate("document.activeElement.querySelector('.key')?.textContent ?? ''")


def test_palette_and_list_keys_need_no_mouse(sample_workspace, open_page):
    errors = []
    page = open_page(sample_workspace)
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Before htmx listens.
    page.goto("/tasks/?project=OPS", wait_until="domcontentloaded")

    # The palette: arrow keys wrap around, Escape closes, and Enter runs also before the results are there.
    page.keyboard.press("Control+k")
    page.wait_for_selector(OPTIONS)
    first = page.get_attribute("#palette-text", "aria-activedescendant")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute("#palette-text", "aria-activedescendant") != first
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#palette-text", "aria-activedescendant") == first
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE_RUN_SCRIPT.replace("RULES", "{}")) == []
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("OPS-7")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/OPS-7/")

    # The task: its actions in the palette, its keys on the page.
    page.keyboard.press("Control+k")
    page.keyboard.type("assign")
    page.wait_for_selector(f"{OPTIONS}:has-text('Assign to me')")
    assert "result" in page.text_content("#palette-status")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('1 task changed.')")
    assert sample_workspace in Task.objects.get(project__key="OPS", number=7).assignees.all()
    page.keyboard.press("e")
    assert page.locator("#edit form").is_visible()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press(".")
    page.wait_for_selector(".toast:has-text('OPS-7')")

    # The list: to the next task, select it, edit it.
    page.goto("/tasks/?project=OPS")
    page.keyboard.press("j")
    key = focused_key(page)
    page.keyboard.press("x")
    assert focused_key(page) not in {"", key}
    assert page.locator("input[name=ids]:checked").count() == 1
    # A status that is saved by keys takes the focus to the next row.
    page.locator("tr:has(:focus) select[name=status]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('Status saved.')")
    wait_until(page, "document.activeElement.closest('.task-title')")
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert focused_key(page) == key
    page.keyboard.press("e")
    page.wait_for_url(f"**/tasks/{key}/*#edit")
    page.wait_for_selector("#edit form >> visible=true")

    page.goto("/tasks/?project=OPS")
    page.keyboard.press("?")
    assert page.locator("#shortcuts h3").all_inner_texts()[0] == "Everywhere"
    page.keyboard.press("j")
    assert focused_key(page) == ""
    assert (errors, page.evaluate("violations")) == ([], [])


def test_palette_works_without_javascript(sample_workspace, open_page):
    page = open_page(sample_workspace, width=390, scripts=False)
    page.goto("/palette/?task=OPS-8")

    page.fill("#palette_q", "assign")
    page.click("main button:text('Search')")
    page.click("main .palette-option:has-text('Assign to me')")

    page.wait_for_selector(".toast:has-text('1 task changed.')")
    assert sample_workspace in Task.objects.get(project__key="OPS", number=8).assignees.all()


def test_offline_page_replaces_pages_without_connection(sample_workspace, open_page, monkeypatch):
    page = open_page(sample_workspace, service_workers="allow")
    page.goto("/tasks/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_until(page, "navigator.serviceWorker.controller !== null")
    cached = """caches.keys().then(async (names) => (await Promise.all(
        names.map(async (name) => (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname))
    )).flat())"""

    page.context.set_offline(True)
    page.wait_for_selector("#connection:has-text('offline')")
    page.goto("/projects/")
    assert page.text_content("h1") == "You're offline"
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") != "0px"
    assert [path for path in page.evaluate(cached) if not path.startswith("/static/")] == ["/offline/"]
    page.context.set_offline(False)
    page.wait_for_selector("h1:has-text('Projects')")
    assert page.evaluate("violations") == []

    # A new version replaces the worker under an open page, which offers a reload.
    monkeypatch.setattr("config.web_app.OFFLINE_FILES", OFFLINE_FILES[:-1])
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => true)")
    page.click("#connection:has-text('new version') button")
    wait_until(page, "document.getElementById('connection').textContent === ''")

    page.click("details.menu > summary")
    page.click("text=Sign out")
    page.wait_for_url("**/login/")
    wait_until(page, "caches.keys().then((names) => names.length === 0)")
