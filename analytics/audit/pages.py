"""The audit view, for administrators, and its CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from analytics.audit import selectors
from analytics.audit.forms import AuditFilterForm
from analytics.reports.exports import safe_cell
from core.api.endpoints import endpoint
from core.api.pagination import PageRequest, Sort, paginate
from core.errors import Invalid
from core.htmx import render_page
from events.models import Event

PAGE_SIZE = 50
# A spreadsheet program opens no more; the API pages through all of them.
MAX_CSV_ROWS = 100_000
COLUMNS = ("id", "occurred_at", "name", "actor", "actor_id", "subject", "subject_type", "subject_id", "detail")
SORTS = {"id": Sort("id")}


@login_required
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """List what was done, newest first; the query string filters by who, what, object and days."""
    reader = get_request_user(request)
    form = AuditFilterForm(request.GET)
    arguments = form.arguments()
    events: QuerySet[Event] = Event.objects.none()
    try:
        events = selectors.list_events(reader, **arguments)
    except Invalid as error:
        for problem in error.fields:
            form.add_error(problem.field, problem.message)
    page_request = PageRequest(
        sorts=SORTS,
        ordering="-id",
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(reader.pk),
        filters=f"audit:{sorted(arguments.items())}",
    )
    page = paginate(events, page_request)
    query = request.GET.copy()
    query.pop("cursor", None)
    context = {"form": form, "page": page, "entries": selectors.entries(page.rows), "query": query.urlencode()}
    return render_page(request, "analytics/audit.html", context)


@endpoint(long_running=True)
@login_required
@require_safe
def audit_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Stream the matching events as CSV, newest first, at most MAX_CSV_ROWS."""
    form = AuditFilterForm(request.GET)
    events = selectors.list_events(get_request_user(request), **form.arguments()).order_by("-id")
    response = StreamingHttpResponse(_lines(events), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _lines(events: QuerySet[Event]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for entry in selectors.entries(events[:MAX_CSV_ROWS].iterator(chunk_size=500)):
        values = {**{name: getattr(entry, name) for name in COLUMNS}, "occurred_at": entry.occurred_at.isoformat()}
        writer.writerow([safe_cell(str(value) if value is not None else None) for value in values.values()])
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
