"""The board in a browser: a card is moved by drag, by the keyboard, in the menu, and without JavaScript."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Task
from tasks.tests.factories import ProjectFactory

URL = "/projects/MOVE/board/"


@pytest.fixture(scope="module")
def cards(sample_workspace):
    ProjectFactory(key="MOVE", name="Moving house", owner=sample_workspace)
    titles = ("Order boxes", "Pack books", "Call the movers")
    new = [drafts.TaskDraft(title=title) for title in titles]
    return items.create_many(actor=sample_workspace, project_ref="MOVE", drafts=new, now=timezone.now())


def column_of(task: Task) -> list[str]:
    task.refresh_from_db()
    rows = Task.objects.filter(state=task.state_id).order_by("position")
    return [task.state.slug, *rows.values_list("title", flat=True)]


def card_of(page, task: Task):
    return page.locator(f"[data-card='{task.pk}']")


def moved(page, task: Task) -> None:
    page.wait_for_selector(f".toast >> text={task.key} moved to")
    page.evaluate("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")


def test_card_moves_by_drag_keyboard_and_menu(sample_workspace, open_page, cards):
    boxes, books, movers = cards
    page = open_page(sample_workspace)
    page.goto(URL)

    card_of(page, boxes).drag_to(page.locator("[data-status=in_progress] [data-cards]"))
    moved(page, boxes)
    assert column_of(boxes) == ["in_progress", "Order boxes"]

    handle = card_of(page, movers).locator("[data-move]")
    handle.focus()
    for key in ("Space", "ArrowUp", "Space"):
        page.keyboard.press(key)
    moved(page, movers)
    assert column_of(movers) == ["todo", "Call the movers", "Pack books"]
    assert handle.evaluate("(element) => element === document.activeElement")

    for key in ("Space", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    assert column_of(movers) == ["todo", "Call the movers", "Pack books"]

    card_of(page, books).locator("[data-move]").click()
    page.select_option("#move-dialog select[name=status]", "in_progress")
    page.select_option("#move-dialog select[name=place]", "top")
    page.click("#move-dialog >> text=Move >> nth=-1")
    moved(page, books)
    assert column_of(books) == ["in_progress", "Pack books", "Order boxes"]

    page.fill("#add-todo", "Hand over the keys")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-status=todo] >> text=Hand over the keys")
    assert page.locator("#add-todo").evaluate("(element) => element === document.activeElement && element.value === ''")
    assert page.evaluate("window.violations") == []


def test_card_moves_without_javascript(sample_workspace, open_page, cards):
    task = cards[0]
    page = open_page(sample_workspace, width=390, scripts=False)
    page.goto(URL)

    card_of(page, task).locator("[data-move]").click()
    page.select_option("section >> select[name=status]", "todo")
    page.click("section >> role=button[name=Move]")

    page.wait_for_selector(f".toast >> text={task.key} moved to")
    assert URL in page.url
    assert column_of(task)[0] == "todo"
