"""Bulk change of all matching tasks, and grouping, with and without JavaScript."""

from __future__ import annotations

import pytest

from tasks.models import BulkJob, Task


@pytest.mark.parametrize("scripts", [True, False])
def test_all_matching_tasks_are_selected_and_changed(scripts, sample_workspace, open_page, monkeypatch):
    monkeypatch.setattr("tasks.items.pages.PAGE_SIZE", 3)
    page = open_page(sample_workspace, width=1280 if scripts else 390, scripts=scripts)

    page.goto("/tasks/?project=OPS&group=state")
    assert page.locator("tr.group").count() >= 1
    page.locator("input[name=ids]").first.check()
    page.click("#bulk-form a:has-text('Select all')")
    page.wait_for_selector("#bulk-form strong:has-text('matching tasks are selected')")
    count = int(page.input_value("#bulk-form input[name=expected_count]"))
    assert count > 3
    page.select_option("#bulk_priority", "2")
    page.click("#bulk-form button:text('Apply')")
    page.wait_for_selector(".toast:has-text('tasks changed.')")  # of those that had another priority
    assert Task.objects.filter(project__key="OPS", closed_at=None).exclude(priority=2).count() == 0
    page.click(".toast button:text('Undo')")
    page.wait_for_selector(".toast:has-text('Undone.')")

    job = BulkJob.objects.create(user=sample_workspace, task_ids=[], changes={}, total=2345, state="queued")
    page.goto(f"/tasks/bulk/{job.pk}/")
    page.wait_for_selector("text=0 of 2345 tasks")
    job.delete()
    if scripts:
        assert page.evaluate("violations") == []
