from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import DomainError
from core.forms import parse_uuid
from core.htmx import safe_redirect_url
from tasks.bulk import services
from tasks.bulk.forms import BulkForm
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def update_selected(request: HttpRequest) -> HttpResponse:
    """Change the selected tasks of a list, all or none, and return to it."""
    actor, form = get_request_user(request), BulkForm(request.POST)
    ids = {task_id for text in request.POST.getlist("ids") if (task_id := parse_uuid(text))}
    if not ids:
        messages.error(request, "Select at least one task.")
    elif form.is_valid():
        try:
            changed = services.update(actor=actor, ids=ids, changes=form.changes(), now=current_time())
        except DomainError as error:
            messages.error(request, " ".join(field.message for field in error.fields) or error.detail)
        else:
            count = len(changed)
            add_undo_message(request, f"{count} task{'' if count == 1 else 's'} changed.")
    for errors in form.errors.values() if ids else ():
        messages.error(request, " ".join(errors))
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", ""), reverse("task-list")))
