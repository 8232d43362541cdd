"""Undo from messages and the trash, in a browser with and without scripts."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Task, TrashEntry


@pytest.fixture
def task(sample_workspace):
    draft = drafts.TaskDraft(title="Undo me", description="One line.")
    return items.create(actor=sample_workspace, draft=draft, now=timezone.now(), project_ref="OPS")


@pytest.mark.parametrize("scripts", [True, False])
def test_deleted_task_is_undone_from_its_message(scripts, sample_workspace, open_page, task):
    page = open_page(sample_workspace, scripts=scripts)
    page.goto(f"/tasks/{task.key}/delete/")

    page.click("main >> text=Delete task")
    page.wait_for_selector(f".toast >> text={task.key} moved to the trash.")
    assert not Task.objects.filter(pk=task.pk).exists()
    page.click(".toast >> text=Undo")
    page.wait_for_selector(".toast >> text=Undone.")

    assert page.url.endswith(f"/tasks/{task.key}/")
    assert Task.objects.get(pk=task.pk).title == "Undo me"


def test_status_in_the_list_is_undone_from_its_toast(sample_workspace, open_page, task):
    page = open_page(sample_workspace)
    page.goto(f"/tasks/?search={task.key}")

    page.select_option(f"#task-{task.pk} select[name=status]", "done")
    page.wait_for_selector(".toast >> text=Status saved.")
    assert Task.objects.get(pk=task.pk).category == "done"
    page.click(".toast >> text=Undo")
    page.wait_for_selector(".toast >> text=Undone.")

    assert Task.objects.get(pk=task.pk).category == "todo"
    assert page.evaluate("window.violations") == []


def test_task_is_restored_from_the_trash(sample_workspace, open_page, task):
    items.delete(actor=sample_workspace, ref=str(task.pk), now=timezone.now())
    page = open_page(sample_workspace, width=390, scheme="dark")
    page.goto("/trash/?kind=task")

    page.locator("li", has_text=task.title).get_by_role("button", name="Restore").click()
    page.wait_for_selector(".toast >> text=restored.")

    assert page.url.endswith(f"/tasks/{task.key}/")
    assert not TrashEntry.objects.filter(object_id=task.pk).exists()
