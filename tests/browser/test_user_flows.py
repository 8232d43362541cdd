"""Everyday work in a browser, with scripts and without."""

from __future__ import annotations

from django.utils import timezone

from accounts.tests.factories import PASSWORD
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Task
from tasks.tests.factories import CommentFactory


def create_task(user, title):
    return items.create(actor=user, draft=drafts.TaskDraft(title=title), now=timezone.now(), project_ref="OPS")


def test_pages_work_without_scripts(sample_workspace, open_page):
    page = open_page(None, scripts=False)

    page.goto("/tasks/new/")
    page.fill("[name=email]", sample_workspace.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.fill("main [name=title]", "Written without scripts")
    page.select_option("main [name=project]", label="Operations (OPS)")
    page.click("main button:text('Create task')")
    page.fill("[name=body]", "Still **here**.")
    page.click("#comments button[type=submit]")
    page.select_option(".page-head [name=status]", "done")
    page.click(".page-head .status-form button")

    assert page.locator("h1").inner_text() == "Written without scripts"
    assert page.locator("#comments .prose strong").all_inner_texts()[-1] == "here"
    assert Task.objects.get(title="Written without scripts").category == "done"


def test_task_filter_updates_while_typing_and_on_back(sample_workspace, open_page):
    create_task(sample_workspace, "Below")
    page = open_page(sample_workspace)
    page.goto("/tasks/")

    with page.expect_response("**/tasks/?search=*"):
        page.locator("#filter_search").press_sequentially("below", delay=20)
    page.locator("#results [role=status]", has_text="1 task").wait_for()
    focus, address = page.evaluate("document.activeElement.id"), page.url
    page.go_back()

    assert focus == "filter_search"
    assert address.endswith("/tasks/?search=below")
    page.locator(".pager").wait_for()
    assert page.input_value("#filter_search") == ""
    assert page.evaluate("violations") == []


def test_status_is_changed_in_the_list(sample_workspace, open_page):
    create_task(sample_workspace, "Movable")
    page = open_page(sample_workspace)
    page.goto("/tasks/?search=movable")
    row = page.locator("tr", has_text="Movable")

    with page.expect_response("**/status/") as response_info:
        row.locator("select").select_option("in_progress")
    row.locator("[name=version][value='2']").wait_for(state="attached")

    assert response_info.value.status == 200
    assert Task.objects.get(title="Movable").category == "in_progress"


def test_row_is_refreshed_after_a_conflict(sample_workspace, open_page):
    create_task(sample_workspace, "Contested")
    page = open_page(sample_workspace)
    page.goto("/tasks/?search=contested")
    task = Task.objects.get(title="Contested")
    started = task.project.states.get(slug="in_progress")
    Task.objects.filter(pk=task.pk).update(version=9, priority=4, state=started, category="in_progress")

    page.locator("tr", has_text="Contested").locator("select").select_option("done")
    page.locator(".toast", has_text="was changed by").wait_for()

    assert "Urgent" in page.locator("tr", has_text="Contested").inner_text()
    assert page.locator("tr", has_text="Contested").locator("select").input_value() == "in_progress"
    assert Task.objects.get(title="Contested").category == "in_progress"


def test_comment_is_added_in_place(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/OPS-2/")

    page.fill("#comments textarea", "First!")
    page.click("#comments button[type=submit]")
    page.locator("#comments article", has_text="First!").wait_for()

    assert page.input_value("#comments textarea") == ""
    assert page.evaluate("violations") == []


def test_unread_count_decreases_on_read(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/inbox/")
    before = int(page.locator("#nav-unread").inner_text().split()[0])

    page.locator("form[action$='/read/'] button", has_text="Mark read").first.click()
    page.locator("#toasts").wait_for(state="attached")
    page.locator(f"#nav-unread:text-matches('^{before - 1}')").or_(page.locator("#nav-unread[hidden]")).wait_for(
        state="attached"
    )

    assert page.locator(".inbox-item.unread").count() == before - 1


def test_keyboard_shortcuts_navigate_and_create(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/")

    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/tasks/")
    page.keyboard.press("c")
    page.keyboard.type("Typed with c, / and ? in it")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="created").wait_for()
    page.locator(".task-name", has_text="Typed with c, / and ? in it").wait_for()
    page.keyboard.press("/")
    focus = page.evaluate("document.activeElement.id")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")

    assert focus == "search"
    assert page.locator("#shortcuts").is_visible()


def test_keyboard_shortcuts_can_be_turned_off(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/settings/")
    page.uncheck("[name=shortcuts]")
    page.click("text=Save changes")
    page.wait_for_selector("html[data-keys=off]", state="attached")

    page.keyboard.press("?")
    is_visible = page.locator("#shortcuts").is_visible()

    page.check("[name=shortcuts]")
    page.click("text=Save changes")
    page.wait_for_selector("html[data-keys=on]", state="attached")
    assert not is_visible


def test_mention_is_completed_from_the_members(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/tasks/OPS-1/")
    page.click("#comments textarea")
    typed = page.locator("#comments textarea")

    page.keyboard.type("会议@")
    offered = page.locator("#mention-suggestions [role=option]").count()
    page.keyboard.type("ad")
    page.keyboard.press("Enter")
    completed = typed.input_value()
    page.keyboard.type("mail@ad")
    in_address = page.locator("#mention-suggestions").count()
    page.keyboard.type(" @ad")
    page.keyboard.press("Escape")

    assert offered >= 1
    assert completed == "会议@ada "
    assert in_address == 0
    assert page.locator("#mention-suggestions").count() == 0
    assert typed.input_value() == "会议@ada mail@ad @ad"


def test_mention_is_completed_in_edited_comment_and_new_task(sample_workspace, open_page):
    task = create_task(sample_workspace, "Ask")
    comment = CommentFactory(task=task, author=sample_workspace, body="Ask")
    page = open_page(sample_workspace)

    def complete(field):
        page.locator(field).press("End")
        page.locator(field).press_sequentially(" @bo")
        page.wait_for_selector("#mention-suggestions")
        page.keyboard.press("Enter")
        return page.locator(field).input_value()

    page.goto(f"/tasks/{task.key}/comments/{comment.pk}/")
    in_comment = complete("textarea[name=body]")
    page.goto("/tasks/new/")
    page.locator("textarea[name=description]").press_sequentially("@bo")
    in_personal_task = page.locator("#mention-suggestions").count()
    page.fill("textarea[name=description]", "")
    with page.expect_response(lambda response: "/tasks/new/" in response.url):
        page.select_option("[name=project]", label="Operations (OPS)")
    page.wait_for_selector("#mention-people option[value=bob]", state="attached")
    in_task = complete("textarea[name=description]")

    assert (in_comment, in_personal_task, in_task) == ("Ask @bob ", 0, " @bob ")
