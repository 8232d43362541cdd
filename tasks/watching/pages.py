from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from tasks.watching import services


@login_required
@require_POST
def watch_task(request: HttpRequest, key: str) -> HttpResponse:
    """Watch a task, or stop watching it."""
    is_watching = request.POST.get("watch") == "true"
    services.set_watching(actor=get_request_user(request), ref=key, is_watching=is_watching)
    return redirect("task-detail", key=key)
