from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.forms import form_status
from core.htmx import render_page
from tasks.items import selectors as items_selectors
from tasks.items.task_page import FRAGMENTS, task_context
from tasks.reminders import services
from tasks.reminders.forms import ReminderForm


@login_required
@require_POST
def add_reminder(request: HttpRequest, key: str) -> HttpResponse:
    """Add a reminder of the user's own; an error shows the page of the task with the form."""
    actor = get_request_user(request)
    task = items_selectors.get_task(actor, key)
    form = ReminderForm(request.POST, is_due=bool(task.due_date or task.due_at))
    if form.submit(lambda _data: services.add(actor=actor, ref=key, now=current_time(), **form.values())):
        messages.success(request, gettext("Reminder added."))
        return _back_to_panel(key)
    context = task_context(actor, task)
    context["reminders"].form = form
    return render_page(request, "tasks/task_detail.html", context, fragments=FRAGMENTS, status=form_status(form))


@login_required
@require_POST
def delete_reminder(request: HttpRequest, key: str, reminder_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), ref=key, reminder_id=reminder_id, now=current_time())
    messages.success(request, gettext("Reminder deleted."))
    return _back_to_panel(key)


def _back_to_panel(key: str) -> HttpResponse:
    return redirect(f"{reverse('task-detail', args=[key])}#reminders")
