"""Page of a project's sections."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.forms import form_status
from core.htmx import form_data, render_page
from tasks import policies
from tasks.bulk import deletions
from tasks.projects import selectors as projects_selectors
from tasks.sections import selectors, services
from tasks.sections.forms import SectionForm, SectionUpdateForm
from tasks.undo.tokens import add_undo_message


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_sections(request: HttpRequest, key: str) -> HttpResponse:
    """Show the sections of a project, or add one."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    policies.require_editor(projects_selectors.project_role(reader, project))
    form = SectionForm(form_data(request))
    section = form.submit(lambda data: services.create(actor=reader, ref=key, **data))
    if section is not None:
        messages.success(request, gettext("%(name)s added.") % {"name": section.name})
        return redirect("project-sections", key=project.key)
    sections = selectors.list_sections(project).annotate(task_count=Count("tasks"))
    context = {"project": project, "form": form, "sections": list(sections)}
    return render_page(request, "tasks/project_sections.html", context, status=form_status(form))


@login_required
@require_POST
def update_section(request: HttpRequest, key: str, section_id: UUID) -> HttpResponse:
    """Rename a section, or move it."""
    form = SectionUpdateForm(request.POST)

    def update(data: dict[str, object]) -> object:
        changes = {name: value for name, value in data.items() if value not in (None, "")}
        return services.update(actor=get_request_user(request), ref=key, section_id=section_id, changes=changes)

    if form.submit(update) is None:
        messages.error(
            request, gettext("The section wasn't saved: %(values)s") % {"values": next(iter(form.errors.values()))[0]}
        )
    else:
        messages.success(request, gettext("Section saved."))
    return redirect("project-sections", key=key)


@login_required
@require_POST
def delete_section(request: HttpRequest, key: str, section_id: UUID) -> HttpResponse:
    """Move a section to the trash; its tasks stay."""
    actor = get_request_user(request)
    if job := deletions.delete_section(actor=actor, ref=key, section_id=section_id, now=current_time()):
        return redirect("bulk-job", job.pk)
    add_undo_message(request, gettext("Section moved to the trash. Its tasks have no section now."))
    return redirect("project-sections", key=key)
