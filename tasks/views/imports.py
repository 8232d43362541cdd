"""Import of a Todoist export: look first, then do it."""

from __future__ import annotations

import base64

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.callers import person_of
from core.errors import Invalid
from core.forms import status_of
from core.htmx import page, posted
from tasks.forms import ImportForm
from tasks.importers import todoist
from tasks.importers.base import MAX_BYTES
from tasks.selectors import pages
from tasks.services.imports import ImportReport
from tasks.services.imports import import_tasks as carry_out

# A file of this size is carried along in the page between looking and doing, so it is chosen only once.
KEPT_BYTES = 512 * 1024


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_tasks(request: HttpRequest) -> HttpResponse:
    projects = pages.projects_to_write_in(person_of(request))
    data = _data(request)
    form = ImportForm(posted(request), request.FILES if request.method == "POST" else None, projects=projects)
    form.fields["file"].required = data is None
    report: ImportReport | None = None
    if request.method == "POST" and form.is_valid() and data is not None:
        try:
            report = _report(request, form.cleaned_data["project"], data)
        except Invalid as refusal:
            form.add_refusal(refusal)
    context = {
        "form": form,
        "report": report,
        "kept": base64.b64encode(data).decode() if report and data is not None and len(data) <= KEPT_BYTES else "",
        "target": next((one for one in projects if report and str(one.pk) == form.cleaned_data["project"]), None),
    }
    return page(request, "tasks/import.html", context, status=status_of(form))


def _data(request: HttpRequest) -> bytes | None:
    """The file that was sent now, or the one the page carried along."""
    if sent := request.FILES.get("file"):
        return sent.read(MAX_BYTES + 1)
    try:
        return base64.b64decode(request.POST["kept"], validate=True) if request.POST.get("kept") else None
    except ValueError:
        return None


def _report(request: HttpRequest, project_id: str, data: bytes) -> ImportReport:
    plan = todoist.parse(data, today=timezone.localdate(), zone=timezone.get_current_timezone())
    dry_run = request.POST.get("action") != "import"
    report = carry_out(project_id=project_id, actor=person_of(request), plan=plan, dry_run=dry_run)
    if not dry_run:
        messages.success(request, f"{report.created} tasks and {report.comments} comments are imported.")
    return report
