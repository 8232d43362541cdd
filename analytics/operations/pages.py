"""The operations page, for administrators."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe
from markdown_it import MarkdownIt

from accounts.auth.requests import get_request_user
from analytics.operations import actions, selectors
from core.clock import current_time
from core.errors import NotFound
from core.htmx import render_page

RUNBOOKS = Path(settings.BASE_DIR) / "docs" / "runbooks"


@login_required
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Show requests, the slowest routes and the state of each part; `?range=` is 1h, 6h, 24h or 7d."""
    # An unknown range is no error: the URL may come from an old bookmark.
    chosen = request.GET.get("range", "1h")
    chosen = chosen if chosen in selectors.RANGES else "1h"
    report = selectors.operations_report(get_request_user(request), range_key=chosen, now=current_time())
    series = {
        "times": [int(point.start.timestamp()) for point in report.points],
        "rate": [point.rate for point in report.points],
        "errors": [point.error_share for point in report.points],
        "p50": [point.p50 for point in report.points],
        "p95": [point.p95 for point in report.points],
        "p99": [point.p99 for point in report.points],
    }
    context = {
        "report": report,
        "ranges": selectors.RANGES.values(),
        "series": series,
        "recorded": [point for point in reversed(report.points) if point.counts is not None],
    }
    return render_page(
        request, "analytics/operations.html", context, fragments={"operations": "analytics/_operations.html"}
    )


@login_required
@require_safe
def runbook(request: HttpRequest, runbook_name: str) -> HttpResponse:
    """Show what to do about a panel that is bad: the file of docs/runbooks."""
    selectors.require_operator(get_request_user(request))
    path = RUNBOOKS / f"{runbook_name}.md"
    if not path.is_file():
        raise NotFound(gettext("There is no such runbook."))
    text = path.read_text()
    title = text.partition("\n")[0].removeprefix("# ")
    html = mark_safe(MarkdownIt().enable("table").render(text))  # noqa: S308 -- a file of the release
    return render_page(request, "analytics/runbook.html", {"title": title, "html": html})


@login_required
@require_POST
def run_action(request: HttpRequest, panel_key: str, action_key: str) -> HttpResponse:
    """Run an action of a panel, and return to the page."""
    count = actions.run_action(actor=get_request_user(request), panel_key=panel_key, action_key=action_key)
    messages.success(request, f"Done for {count:,}." if count else gettext("There was nothing to do."))
    return redirect("operations")
