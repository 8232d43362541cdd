"""Pages of the reports, and their files."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from analytics.reports import charts, selectors
from analytics.reports.exports import file_response
from analytics.reports.forms import ReportForm
from analytics.reports.results import RANGES
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Invalid, NotFound
from core.htmx import render_page
from tasks.projects.selectors import list_current_projects


@login_required
@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "analytics/report_list.html", {"reports": selectors.LIBRARY})


@login_required
@require_safe
def report(request: HttpRequest, report_name: str) -> HttpResponse:
    """Show one report; htmx gets everything but the frame."""
    user, definition = get_request_user(request), selectors.get_definition(report_name)
    form = ReportForm(request.GET, projects=list_current_projects(user), user=user, inputs=definition.inputs)
    arguments = form.arguments()
    query = selectors.report_query(user, now=current_time(), **arguments)
    error = ""
    try:
        result = definition.build(query)
    except Invalid as invalid:
        # A saved filter can become wrong or too wide after it was chosen.
        result, error = None, invalid.fields[0].message if invalid.fields else invalid.detail
    params = {key: str(value) for key, value in arguments.items()}
    context = {
        "definition": definition,
        "reports": selectors.LIBRARY,
        "form": form,
        "query": query,
        "ranges": [
            (f"?{urlencode({**params, 'range': key})}", label, key == arguments["range"])
            for key, label in RANGES.items()
        ],
        "error": error,
        "report": result,
        "chart": result and charts.report_chart(report_name, result, query),
        "bar_rows": result and charts.bar_rows(report_name, result, query),
        "table": result and charts.table_rows(result),
        "export_query": urlencode(params),
    }
    return render_page(request, "analytics/report.html", context, fragments={"report": "analytics/_report.html"})


@endpoint(long_running=True)
@login_required
@require_safe
def export(request: HttpRequest, report_name: str, file_type: str) -> HttpResponse:
    """Answer with a report as a CSV or XLSX file."""
    user, definition = get_request_user(request), selectors.get_definition(report_name)
    if file_type not in {"csv", "xlsx"}:
        raise NotFound(gettext("There is no such file."))
    form = ReportForm(request.GET, projects=[], user=user, inputs=definition.inputs)
    query = selectors.report_query(user, now=current_time(), **form.arguments())
    return file_response(
        definition.build(query), name=report_name, title=definition.title, day=query.period.today, file_type=file_type
    )
