"""Forms in a browser: double clicks, keys on selects, ended sessions, going back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Session, User
from accounts.tests.factories import PASSWORD
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Comment, Project, Task
from tests.browser.conftest import CHROMIUM, CHROMIUM_FLAGS, sign_in, wait_until

LONG_TEXT = "A long text that took ten minutes.\n\nWith two paragraphs."


def create_task(user, title):
    return items.create(actor=user, draft=drafts.TaskDraft(title=title), now=timezone.now(), project_ref="OPS")


def slow_network(page):
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", conditions)


def sign_in_by_form(page, user):
    page.fill("[name=email]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button:text('Sign in')")


@pytest.mark.parametrize("latency", [True, False])
def test_form_sent_twice_is_one_write(latency, sample_workspace, open_page):
    name = "Twice slow" if latency else "Twice"
    task = create_task(sample_workspace, f"{name} parent")
    forms = {
        "/tasks/new/": ("main [name=title]", "main .form-actions button", Task),
        "/projects/OPS/": ("#add-title", ".quick-add button", Task),
        f"/tasks/{task.key}/": ("#subtask-title", "form:has(#subtask-title) button", Task),
        f"/tasks/{task.key}/#comments": ("[name=body]", "#comments .form-actions button", Comment),
    }
    for path, (field, button, model) in forms.items():
        page = open_page(sample_workspace)
        page.goto(path)
        if latency:
            slow_network(page)
        before = model.objects.count()
        if "subtask" in field:
            page.click("#subtasks summary")
        page.fill(field, name)
        page.locator(button).evaluate(
            "(button) => { button.click(); button.click(); setTimeout(() => button.click(), 200); }"
        )
        page.wait_for_timeout(1500)
        page.wait_for_load_state()

        assert model.objects.count() == before + 1, path
        wait_until(page, "window.violations?.length === 0")


def test_enter_pressed_twice_creates_one_task(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/new/")
    page.fill("main [name=title]", "Entered twice")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*-*/")

    assert Task.objects.filter(title="Entered twice").count() == 1


def test_button_is_disabled_while_the_request_is_sent(sample_workspace, open_page):
    task = create_task(sample_workspace, "Slow comment")
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/")
    slow_network(page)
    page.fill("[name=body]", "Slow")
    page.click("#comments .form-actions button")
    is_disabled = page.locator("#comments .form-actions button").is_disabled()
    page.locator("#comments .prose", has_text="Slow").wait_for()

    assert is_disabled
    assert page.locator("#comments .form-actions button").is_enabled()


def test_status_is_saved_on_enter_and_not_by_arrow_keys(sample_workspace, open_page):
    create_task(sample_workspace, "By keyboard")
    page = open_page(sample_workspace)
    page.goto("/tasks/?search=keyboard&category=all")
    writes = []
    # The browser may fetch the icon of the page late.
    page.on("request", lambda request: writes.append(request.url) if request.method != "GET" else None)
    select = page.locator("tr", has_text="By keyboard").locator("select")
    select.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    before, value = list(writes), select.input_value()
    page.keyboard.press("Escape")
    restored = select.input_value()
    page.keyboard.press("ArrowDown")
    with page.expect_response("**/status/"):
        page.keyboard.press("Enter")
    page.locator("[name=version][value='2']").wait_for(state="attached")

    assert (before, value, restored) == ([], "in_progress", "todo")
    assert Task.objects.get(title="By keyboard").category == "in_progress"

    select = page.locator("tr", has_text="By keyboard").locator("select")
    select.focus()
    page.keyboard.press("ArrowDown")
    with page.expect_response("**/status/"):
        page.keyboard.press("Tab")
    assert Task.objects.get(title="By keyboard").category == "done"


def test_status_that_was_not_saved_is_taken_back(sample_workspace, open_page):
    task = create_task(sample_workspace, "Unsaved")
    page = open_page(sample_workspace)
    for path in ("/tasks/?search=unsaved", f"/tasks/{task.key}/"):
        page.goto(path)
        select = page.locator("main select[data-submit]").first
        page.context.set_offline(True)
        select.select_option("done")
        page.locator(".toast", has_text="wasn't saved").wait_for()
        assert select.input_value() == "todo", path
        page.context.set_offline(False)
    page.goto("/tasks/?search=unsaved")
    page.route("**/status/", lambda route: route.fulfill(status=500, body="broken"))
    page.locator("main select[data-submit]").select_option("done")
    page.locator(".toast", has_text="wasn't saved").wait_for()

    assert page.locator("main select[data-submit]").input_value() == "todo"
    assert Task.objects.get(title="Unsaved").category == "todo"


def test_comment_survives_an_ended_session(sample_workspace, open_page):
    task = create_task(sample_workspace, "Session ends")
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/")
    page.fill("[name=body]", LONG_TEXT)
    Session.objects.filter(user=sample_workspace).delete()
    page.click("#comments .form-actions button")
    page.wait_for_url("**/login/?next=*")
    notice = page.locator(".notice").inner_text()
    sign_in_by_form(page, sample_workspace)
    page.wait_for_url(f"**/tasks/{task.key}/")
    page.locator(".toast", has_text="restored").wait_for()
    text = page.input_value("[name=body]")
    page.click("#comments .form-actions button")
    page.locator("#comments .prose").wait_for()
    page.reload()

    assert "session has ended" in notice
    assert text == LONG_TEXT
    assert Comment.objects.filter(body=LONG_TEXT).count() == 1
    assert page.input_value("[name=body]") == ""
    assert page.evaluate("sessionStorage.getItem('drafts')") is None
    assert page.evaluate("violations") == []


def test_quick_add_is_open_with_its_text_after_an_ended_session(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/")
    page.click(".topbar button[popovertarget=quick-add]")
    page.fill("#quick-title", "Typed quickly")
    Session.objects.filter(user=sample_workspace).delete()
    page.click("#quick-add button[type=submit]")
    page.wait_for_url("**/login/?next=*")
    sign_in_by_form(page, sample_workspace)
    page.locator(".toast", has_text="restored").wait_for()
    is_open, text = page.locator("#quick-add").is_visible(), page.input_value("#quick-title")
    page.click("#quick-add button[type=submit]")
    page.locator(".toast", has_text="created").wait_for()

    assert (is_open, text) == (True, "Typed quickly")
    assert Task.objects.filter(title="Typed quickly").count() == 1
    assert not page.locator("#quick-add").is_visible()


@pytest.mark.parametrize("path", ["/tasks/new/", "/projects/new/", "edit"])
def test_full_page_form_survives_an_ended_session(path, sample_workspace, open_page):
    task = create_task(sample_workspace, "Edited")
    name = "name" if "projects" in path else "title"
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/" if path == "edit" else path)
    if path == "edit":
        page.click("#edit summary")
    page.fill(f"main [name={name}]", "Typed before")
    page.fill("main [name=description]", LONG_TEXT)
    if "projects" in path:
        page.fill("main [name=key]", "TYPED")
    else:
        page.select_option("main .fields [name=priority]", "4")
    Session.objects.filter(user=sample_workspace).delete()
    page.locator("main .form-actions button[type=submit]").first.click()
    page.wait_for_url("**/login/?next=*")
    sign_in_by_form(page, sample_workspace)
    page.locator(".toast", has_text="restored").wait_for()
    page.locator("main .form-actions button[type=submit]").first.click()
    page.wait_for_load_state()
    page.locator("h1", has_text="Typed before").wait_for()

    saved = (
        Project.objects.get(key="TYPED")
        if "projects" in path
        else Task.objects.filter(title="Typed before").latest("updated_at")
    )
    assert saved.description.replace("\r\n", "\n") == LONG_TEXT
    assert path == "/projects/new/" or saved.priority == 4


def test_form_of_a_former_session_is_kept(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/new/")
    page.fill("main [name=title]", "Two tabs")
    page.fill("main [name=description]", LONG_TEXT)
    other = page.context.new_page()
    other.goto("/tasks/")
    other.click(".topbar details.menu summary")
    other.click("button:text('Sign out')")
    sign_in_by_form(other, sample_workspace)
    other.wait_for_url("**/")
    page.click("main .form-actions button")
    page.locator("h1", has_text="You signed in again in another tab").wait_for()
    page.click("a:text('Back to the form')")
    page.wait_for_url("**/tasks/new/")
    restored = page.input_value("main [name=title]"), page.input_value("main [name=description]")
    page.evaluate("document.querySelector('main [name=csrfmiddlewaretoken]').value = 'x'.repeat(64)")
    page.click("main .form-actions button")
    page.click("button:text('Save now')")
    page.wait_for_url("**/tasks/*-*/")

    assert restored == ("Two tabs", LONG_TEXT)
    assert Task.objects.filter(title="Two tabs").count() == 1


def test_text_of_another_user_is_not_shown(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/new/")
    page.fill("main [name=description]", "Private words of Ada")
    Session.objects.filter(user=sample_workspace).delete()
    page.reload()
    sign_in_by_form(page, User.objects.get(handle="bob"))
    page.wait_for_url("**/tasks/new/")
    page.wait_for_timeout(200)

    assert page.input_value("main [name=description]") == ""
    assert "Private" not in (page.evaluate("sessionStorage.getItem('drafts')") or "")


def test_api_key_form_survives_the_confirmation(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/settings/api-keys/")
    page.fill("[name=name]", "Backup job")
    page.select_option("[name=days]", "7")
    page.check("[name=scopes][value='tasks:read']")
    page.click("main .form button.primary")
    page.fill("[name=password]", PASSWORD)
    page.click("main button:text('Confirm')")
    # The button was pressed before the confirmation, and is not asked for again.
    page.locator("h1, h2", has_text="Backup job").first.wait_for()
    page.goto("/settings/api-keys/")
    page.wait_for_timeout(200)

    assert page.input_value("[name=name]") == ""
    key = ApiKey.objects.get(name="Backup job")
    assert key.scopes == ["tasks:read"]
    assert (key.expires_at - timezone.now()).days == 6


def test_search_makes_one_history_entry(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/projects/")
    page.goto("/tasks/")
    length = page.evaluate("history.length")
    for part in ("task", " num", "ber", " 3"):
        with page.expect_response("**/tasks/?search=*"):
            page.locator("#filter_search").press_sequentially(part)
    page.wait_for_url("**/tasks/?search=task+number+3")
    page.wait_for_timeout(100)

    assert page.evaluate("history.length") == length + 1
    page.go_back()
    page.locator(".pager").wait_for()
    assert page.url.endswith("/tasks/")


def test_back_after_sign_out_shows_nothing_private(sample_workspace, site, browser, db):
    task = create_task(sample_workspace, "Private title")
    caching = browser.browser_type.launch(
        executable_path=CHROMIUM, args=CHROMIUM_FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    context = caching.new_context(base_url=site.url)
    sign_in(context, site, sample_workspace)
    page = context.new_page()
    page.goto("/tasks/")
    page.goto(f"/tasks/{task.key}/")
    page.fill("[name=body]", "Private draft")
    typed = page.evaluate("sessionStorage.getItem('drafts')")
    page.click(".topbar details.menu summary")
    page.click("button:text('Sign out')")
    page.wait_for_url("**/login/")
    stored = page.evaluate("sessionStorage.getItem('drafts')")
    page.go_back()
    page.wait_for_timeout(500)
    text = page.locator("body").inner_text()
    caching.close()

    assert ("Private draft" in typed, stored) == (True, None)
    assert "Private title" not in text
    assert "Sign in" in text
