"""Import page for a Todoist export: a dry run first, then the import."""

from __future__ import annotations

import base64
import contextlib
import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import Conflict, Invalid
from core.forms import form_status
from core.htmx import form_data, render_page
from core.uploads import read_upload
from tasks.imports import background, todoist
from tasks.imports.forms import ImportForm
from tasks.imports.plan import MAX_BYTES
from tasks.imports.services import ImportReport, run_import
from tasks.projects import selectors as projects_selectors

MAX_LISTED_WARNINGS = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_tasks(request: HttpRequest) -> HttpResponse:
    """Report what an import would do, then import; the file is chosen only once."""
    reader = get_request_user(request)
    projects = projects_selectors.writable_projects(reader)
    data: bytes | None = None
    if upload := request.FILES.get("file"):
        data = read_upload(upload, max_bytes=MAX_BYTES)
    elif staged_file := request.POST.get("staged_file"):
        # The page may have been altered; without a file the form asks for one.
        with contextlib.suppress(ValueError):
            data = base64.b64decode(staged_file, validate=True)
    form = ImportForm(form_data(request), request.FILES if request.method == "POST" else None, projects=projects)
    form.fields["file"].required = data is None
    report: ImportReport | None = None
    if request.method == "POST" and form.is_valid() and data is not None:
        dry_run = request.POST.get("action") != "import"
        try:
            # A smaller file stays in the page between dry run and import.
            if len(data) > background.MAX_INLINE_BYTES:
                project_id = form.cleaned_data["project"]
                job = background.request_import(
                    actor=reader,
                    project_id=project_id,
                    source=todoist.SOURCE,
                    data=data,
                    dry_run=True,
                    now=current_time(),
                )
                return redirect("task-import-job", job.pk)
            plan = todoist.parse(data, today=timezone.localdate(current_time()), zone=timezone.get_current_timezone())
            report = run_import(project_id=form.cleaned_data["project"], actor=reader, plan=plan, dry_run=dry_run)
        except (Conflict, Invalid) as error:
            form.add_domain_error(error)
        else:
            if not dry_run:
                tasks = f"{report.created} task{pluralize(report.created)}"
                message = f"Imported {tasks} and {report.comments} comment{pluralize(report.comments)}."
                messages.success(request, message)
    context = {
        "form": form,
        "report": report,
        **_warnings_context(report.warnings if report else (), report.warning_count if report else 0),
        "has_projects": bool(projects),
        "staged_file": base64.b64encode(data).decode() if report and data is not None else "",
        "target": next(
            (project for project in projects if report and str(project.pk) == form.cleaned_data["project"]), None
        ),
    }
    return render_page(request, "tasks/import.html", context, status=form_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_job(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Show how far the import of a large file is; start it after the check."""
    reader = get_request_user(request)
    if request.method == "POST":
        try:
            background.confirm(actor=reader, job_id=import_id, now=current_time())
        except Conflict as error:
            messages.warning(request, error.detail)
        return redirect("task-import-job", import_id)
    job = background.get_job(reader, import_id)
    context = {
        "job": job,
        "progress": background.get_progress(job),
        **_warnings_context(job.report.get("warnings", ()), job.report.get("warning_count", 0)),
    }
    return render_page(request, "tasks/import_job.html", context)


def _warnings_context(warnings: Sequence[object], count: int) -> dict[str, object]:
    listed = warnings[:MAX_LISTED_WARNINGS]
    return {"listed_warnings": listed, "more_warnings": count - len(listed)}
