from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.forms import PageForm
from tasks.relations import selectors, services
from tasks.undo.tokens import add_undo_message


class RelationForm(PageForm):
    kind = forms.ChoiceField(choices=list(selectors.LABELS.items()))
    task = forms.CharField(max_length=40, error_messages={"required": "Enter the key of a task, such as OPS-42."})


@login_required
@require_POST
def add_relation(request: HttpRequest, key: str) -> HttpResponse:
    """Relate the task to another by its key."""
    actor, form = get_request_user(request), RelationForm(request.POST)
    form.submit(lambda data: services.add(actor=actor, ref=key, now=current_time(), **data))
    for errors in form.errors.values():
        messages.error(request, " ".join(errors))
    return redirect(f"{reverse('task-detail', args=[key])}#relations")


@login_required
@require_POST
def remove_relation(request: HttpRequest, key: str, relation_id: UUID) -> HttpResponse:
    services.remove(actor=get_request_user(request), ref=key, relation_id=relation_id, now=current_time())
    add_undo_message(request, "Relation removed.")
    return redirect(f"{reverse('task-detail', args=[key])}#relations")
