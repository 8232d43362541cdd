"""Repeating a task and reminders in a browser, with and without JavaScript."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Recurrence


@pytest.mark.parametrize("scripts", [True, False])
def test_task_repeats_as_the_form_previewed(scripts, sample_workspace, open_page):
    now = timezone.now()
    draft = drafts.TaskDraft(title="Water the plants", due_date=timezone.localdate() + timedelta(days=3))
    task = items.create(actor=sample_workspace, draft=draft, now=now, project_ref="OPS")
    page = open_page(sample_workspace, width=1280 if scripts else 390, scripts=scripts)

    page.goto(f"/tasks/{task.key}/")
    page.click("#recurrence summary")
    assert page.locator("#repeat_rule").is_hidden()
    page.select_option("#repeat_frequency", "DAILY")
    assert page.locator(".repeat-weekly").is_hidden()
    page.fill("#repeat_interval", "3")
    page.select_option("#repeat_ends", "count")
    page.fill("#repeat_count", "9")
    page.click("#recurrence button:text('Preview')")
    page.wait_for_selector("#recurrence .notice")
    preview = page.inner_text("#recurrence .notice")
    count = Recurrence.objects.filter(task=task).count()
    page.click("#recurrence .repeat-form button:text('Save')")
    page.wait_for_selector("#recurrence button:text('Skip')")

    assert (count, Recurrence.objects.get(task=task).rule) == (0, "FREQ=DAILY;INTERVAL=3;COUNT=9")
    assert preview.split("\n")[0] == "Every 3 days, 9 times"
    dates = page.locator("#recurrence > div .dates li span.grow").all_inner_texts()
    assert [date.strip() for date in dates] == [line.strip() for line in preview.split("\n")[1:] if line.strip()]

    page.click("#reminders summary")
    page.select_option("#reminder_when", "days:1")
    page.fill("#reminder_time", "23:30")
    page.click("#reminders button:text('Add reminder')")
    page.wait_for_selector("#reminders li")
    assert "At 23:30 on the day before" in page.inner_text("#reminders li")
    if scripts:
        assert page.evaluate("violations") == []
