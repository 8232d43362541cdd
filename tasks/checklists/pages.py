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
from core.errors import Conflict, Invalid, VersionConflict
from core.forms import expected_version
from tasks.checklists import conversion, services
from tasks.checklists.forms import ChecklistItemForm
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def add_checklist_item(request: HttpRequest, key: str) -> HttpResponse:
    """Add an item by its text; the panel shows where it went wrong."""
    actor, form = get_request_user(request), ChecklistItemForm({"text": request.POST.get("text", "")})
    form.submit(lambda data: services.add(actor=actor, ref=key, text=data["text"], now=current_time()))
    return _back_to_panel(request, key, form)


@login_required
@require_POST
def update_checklist_item(request: HttpRequest, key: str, item_id: UUID) -> HttpResponse:
    """Change the fields of an item that the form holds: its tick, text, assignee, due date or place."""
    actor, form = get_request_user(request), ChecklistItemForm(request.POST)
    versions = expected_version(request)
    try:
        form.submit(
            lambda _data: services.update(
                actor=actor, ref=key, item_id=item_id, changes=form.changes(), now=current_time(), versions=versions
            )
        )
    except VersionConflict:
        messages.warning(request, gettext("The item was changed meanwhile. This is what it says now."))
    return _back_to_panel(request, key, form)


@login_required
@require_POST
def delete_checklist_item(request: HttpRequest, key: str, item_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), ref=key, item_id=item_id, now=current_time())
    add_undo_message(request, gettext("Item deleted."))
    return redirect(f"{reverse('task-detail', args=[key])}#checklist")


@login_required
@require_POST
def convert_checklist_item(request: HttpRequest, key: str, item_id: UUID) -> HttpResponse:
    """Turn an item into a subtask of the same task."""
    subtask = services.convert(actor=get_request_user(request), ref=key, item_id=item_id, now=current_time())
    add_undo_message(request, gettext("%(key)s created from the checklist item.") % {"key": subtask.key})
    return redirect("task-detail", key=key)


@login_required
@require_POST
def convert_task(request: HttpRequest, key: str) -> HttpResponse:
    """Turn a subtask into an item of its parent's checklist, and show that."""
    actor = get_request_user(request)
    versions = expected_version(request)
    try:
        item = conversion.convert_task(actor=actor, ref=key, now=current_time(), versions=versions)
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
        return redirect("task-detail", key=key)
    add_undo_message(request, gettext("%(upper)s is a checklist item now.") % {"upper": key.upper()})
    return redirect(f"{reverse('task-detail', args=[item.task.key])}#checklist")


def _back_to_panel(request: HttpRequest, key: str, form: ChecklistItemForm) -> HttpResponse:
    for errors in form.errors.values():
        messages.error(request, " ".join(errors))
    return redirect(f"{reverse('task-detail', args=[key])}#checklist")
