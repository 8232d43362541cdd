from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from tasks.duplication import services
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def duplicate_task(request: HttpRequest, key: str) -> HttpResponse:
    """Duplicate a task, and show the copy."""
    task = services.duplicate(actor=get_request_user(request), ref=key, now=current_time())
    add_undo_message(
        request, gettext("%(key)s created as a copy of %(upper)s.") % {"key": task.key, "upper": key.upper()}
    )
    return redirect("task-detail", key=task.key)
