"""Task lists and the task page in a browser: suggestions, columns, the way from list to task and back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import AXE_SCRIPT
from tests.browser.test_all_pages import AXE_RUN_SCRIPT

OPTIONS = "#text-suggestions [role=option]"


@pytest.fixture
def page(sample_workspace, open_page):
    errors = []
    page = open_page(sample_workspace)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    assert page.evaluate("violations") == []


def test_suggestions_complete_filters_and_keys(page):
    page.goto("/tasks/")
    page.fill("#filter_text", "")
    page.type("#filter_text", "assi")
    page.wait_for_selector(OPTIONS)
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE_RUN_SCRIPT.replace("RULES", "{}")) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{OPTIONS}:has-text('@bob')")
    page.keyboard.type("@bo")
    page.wait_for_selector(f"{OPTIONS}:first-child:has-text('@bob')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.input_value("#filter_text") == "assignee:@bob"
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip:has-text('Assignee: Bob Builder')")

    # A relation by words of the title, a key in a comment.
    page.goto("/tasks/OPS-5/")
    page.click("#relations summary")
    page.type("#relation-task", "Task 44")
    page.click(f"{OPTIONS}:has-text('OPS-45')")
    page.click("#relations button:text('Add')")
    expect(page.locator("#relations a:has-text('OPS-45')")).to_be_visible()
    page.type("#id_body", "Like OPS-6")
    page.wait_for_selector(f"{OPTIONS}:has-text('OPS-60')")
    page.keyboard.press("Escape")
    expect(page.locator(OPTIONS)).to_have_count(0)
    page.keyboard.type("2")
    page.wait_for_selector(f"{OPTIONS}:has-text('OPS-62')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#id_body") == "Like OPS-62 "


def test_task_is_peeked_at_beside_the_list(page):
    page.goto("/tasks/?project=OPS&ordering=title")
    page.locator(".task-table .task-title > a", has_text="OPS-11 ").focus()
    page.keyboard.press("Space")
    peek = page.locator("#peek")
    expect(peek.locator("h1")).to_contain_text("Task 10 ")
    assert page.url.endswith("#peek=OPS-11")
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE_RUN_SCRIPT.replace("RULES", "{}")) == []

    # Forms work in it: one of the page, one of htmx.
    peek.locator(".page-head .status-form select").select_option("in_progress")
    expect(peek.locator(".page-head .status-form select")).to_have_value("in_progress")
    expect(page.locator(".toast").first).to_be_visible()
    peek.locator("#id_body").fill("Seen from the side")
    peek.locator("#comments button:text('Comment')").click()
    expect(peek.locator(".comment")).to_contain_text("Seen from the side")
    with page.expect_event("load"):  # the list below shows the changes
        page.go_back()
    expect(peek).not_to_be_visible()

    # The address opens it; Escape closes it; the button opens another.
    page.goto("/tasks/?project=OPS#peek=OPS-12")
    expect(peek.locator("h1")).to_contain_text("Task 11 ")
    page.keyboard.press("Escape")
    expect(peek).not_to_be_visible()
    assert page.url.endswith("/tasks/?project=OPS")
    page.click("[data-peek] >> nth=0")
    expect(peek.locator("h1")).to_be_visible()
    page.goto("/projects/OPS/board/")
    page.locator("a.card-title").first.focus()
    page.keyboard.press("Space")
    expect(peek.locator("h1")).to_be_visible()


def test_texts_of_a_task_are_kept_previewed_and_cleared(page, sample_workspace, open_page):
    page.goto("/tasks/OPS-9/")
    page.fill("#id_body", "Half a **thought** for @bob")
    page.click("#comments button:text('Preview')")
    expect(page.locator("#comment-preview strong")).to_have_text("thought")
    page.click("#cell-description")
    page.fill("#task-description textarea", "Half a description")

    # Another tab, and this one later, have the texts; one that was changed meanwhile is not replaced.
    tab = page.context.new_page()
    tab.goto("/tasks/OPS-9/")
    assert tab.input_value("#id_body") == "Half a **thought** for @bob"
    tab.click("#cell-description")
    expect(tab.locator("#task-description textarea")).to_have_value("Half a description")
    tab.click("#task-description [data-cancel]")
    tab.click("#comments button:text('Comment')")
    expect(tab.locator("#comments .mention")).to_have_text("@bob")
    assert tab.input_value("#id_body") == ""
    tab.goto("/tasks/OPS-9/")
    assert tab.input_value("#id_body") == ""
    tab.click("#cell-description")
    expect(tab.locator("#task-description textarea")).to_have_value("")
    tab.fill("#id_body", "Never sent")
    tab.click("summary[aria-label^='Your account']")
    tab.click("button:text('Sign out')")
    tab.wait_for_url("**/login/**")
    assert tab.evaluate("localStorage.getItem('text-drafts')") is None
