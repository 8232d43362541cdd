from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.forms import PageForm, SingleLineField
from tasks.models import TaskRelation
from tasks.models.search import MAX_SEARCH_LENGTH
from tasks.relations import selectors, services
from tasks.suggestions.selectors import find_single_task
from tasks.undo.tokens import add_undo_message


class RelationForm(PageForm):
    kind = forms.ChoiceField(choices=list(selectors.LABELS.items()))
    task = SingleLineField(
        max_length=MAX_SEARCH_LENGTH,
        error_messages={"required": gettext_lazy("Enter the key of a task, such as OPS-42.")},
    )


@login_required
@require_POST
def add_relation(request: HttpRequest, key: str) -> HttpResponse:
    """Relate the task to another by its key, or by words of its title."""
    actor, now, form = get_request_user(request), current_time(), RelationForm(request.POST)

    def add(data: dict[str, str]) -> TaskRelation:
        other = find_single_task(actor, data["task"], now=now)
        return services.add(actor=actor, ref=key, kind=data["kind"], task=other, now=now)

    form.submit(add)
    for errors in form.errors.values():
        messages.error(request, " ".join(errors))
    return redirect(f"{reverse('task-detail', args=[key])}#relations")


@login_required
@require_POST
def remove_relation(request: HttpRequest, key: str, relation_id: UUID) -> HttpResponse:
    services.remove(actor=get_request_user(request), ref=key, relation_id=relation_id, now=current_time())
    add_undo_message(request, gettext("Relation removed."))
    return redirect(f"{reverse('task-detail', args=[key])}#relations")
