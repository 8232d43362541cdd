"""Pages of the trash."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.forms import parse_uuid
from core.htmx import render_page
from tasks.bulk import deletions
from tasks.models import BulkJob, TrashEntry
from tasks.trash import purging, selectors
from tasks.undo.tokens import add_undo_message

PAGE_SIZE = 50


@login_required
@require_safe
def trash_list(request: HttpRequest) -> HttpResponse:
    """List what the user may restore, newest first; `?project=` and `?kind=` filter, `?before=` shows older ones."""
    reader = get_request_user(request)
    project, kind = request.GET.get("project", "")[:40], request.GET.get("kind", "")
    kind = kind if kind in TrashEntry.Kind.values else ""
    entries = selectors.list_entries(reader, project=project, kind=kind).order_by("-pk")
    if before := parse_uuid(request.GET.get("before", "")):
        entries = entries.filter(pk__lt=before)
    rows = list(entries[: PAGE_SIZE + 1])
    context = {
        "entries": rows[:PAGE_SIZE],
        "older_than": rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None,
        "project_key": project,
        "kind": kind,
        "kinds": TrashEntry.Kind.choices,
        "manageable": selectors.purgeable_ids(reader, rows),
    }
    return render_page(request, "tasks/trash.html", context)


@login_required
@require_POST
def restore_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Restore a deleted object, and go to it."""
    restoration = deletions.restore(actor=get_request_user(request), entry_id=entry_id, now=current_time())
    if isinstance(restoration, BulkJob):
        return redirect("bulk-job", restoration.pk)
    text = gettext("%(title)s restored.") % {"title": restoration.title}
    if restoration.skipped:
        count = sum(restoration.skipped.values())
        text += f" {count} {'part' if count == 1 else 'parts'} could not be restored: what they refer to is gone."
    add_undo_message(request, text)
    if restoration.task_key:
        return redirect("task-detail", key=restoration.task_key)
    if restoration.project:
        return redirect("project-detail", key=restoration.project.key)
    # What belongs to no project is a filter or a field that projects share.
    return redirect("shared-fields" if restoration.kind.startswith("custom_field") else "saved-filters")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def purge_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Delete an entry permanently, after confirmation on its own page."""
    reader = get_request_user(request)
    if request.method == "POST":
        purging.purge(actor=reader, entry_id=entry_id)
        messages.success(request, gettext("Permanently deleted."))
        return redirect("trash")
    entry = selectors.get_entry(reader, entry_id)
    # Only for the page: the service checks again, under the lock.
    selectors.require_purger(reader, entry)
    return render_page(request, "tasks/trash_confirm_purge.html", {"entry": entry})
