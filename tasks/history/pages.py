"""Pages of former texts: what a change of a description or comment has changed."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from core.errors import NotFound
from core.htmx import render_page
from tasks.history import selectors
from tasks.items import selectors as items_selectors

PAGE_SIZE = 20


@login_required
@require_safe
def description_versions(request: HttpRequest, key: str) -> HttpResponse:
    """Show the newest changes of a description; `?event=` shows one alone."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    text = request.GET.get("event", "")
    if text:
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise NotFound(selectors.VERSION_NOT_FOUND)
        versions = [selectors.get_description_version(task, int(text))]
    else:
        events = selectors.list_description_changes(task).order_by("-pk")[:PAGE_SIZE]
        versions = [selectors.description_version(event) for event in events]
    context = {
        "task": task,
        "title": gettext("Changes of the description"),
        "versions": versions,
        "is_single": bool(text),
    }
    return render_page(request, "tasks/versions.html", context)


@login_required
@require_safe
def comment_versions(request: HttpRequest, key: str, comment_id: UUID) -> HttpResponse:
    """Show the changes of a comment."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    versions = selectors.list_comment_versions(reader, str(task.pk), comment_id)[:PAGE_SIZE]
    context = {"task": task, "title": gettext("Changes of the comment"), "versions": versions}
    return render_page(request, "tasks/versions.html", context)
