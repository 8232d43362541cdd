from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import VersionConflict
from core.forms import expected_version, form_status, parse_uuid
from core.htmx import form_data, render_page
from tasks import policies
from tasks.items import selectors as items_selectors
from tasks.moving import selectors, services
from tasks.moving.forms import MoveForm
from tasks.projects import selectors as projects_selectors
from tasks.sections.selectors import list_sections
from tasks.undo.tokens import add_undo_message


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move_task(request: HttpRequest, key: str) -> HttpResponse:
    """Choose another project, read what does not come along, and move the task there."""
    actor = get_request_user(request)
    task = items_selectors.get_task(actor, key)
    policies.require_editor(projects_selectors.project_role(actor, task.project))
    policies.require_not_archived(task.project)
    projects = selectors.possible_targets(actor, task.project)
    chosen = (request.POST if request.method == "POST" else request.GET).get("project", "")
    target = next((project for project in projects if str(project.pk) == chosen), None)
    sections = list(list_sections(target)) if target else []
    form = MoveForm(form_data(request), projects=projects, sections=sections, initial={"project": chosen})
    try:
        moved = form.submit(
            lambda data: services.move(
                actor=actor,
                ref=str(task.pk),
                project=data["project"],
                section=parse_uuid(data["section"]),
                now=current_time(),
                versions=expected_version(request),
            )
        )
    except VersionConflict:
        messages.warning(request, gettext("The task was changed meanwhile. This is what a move would do now."))
        return redirect(f"{request.path}?project={chosen}")
    if moved is not None:
        add_undo_message(request, gettext("%(key)s is now %(key2)s.") % {"key": task.key, "key2": moved.key})
        return redirect("task-detail", key=moved.key)
    plan = selectors.preview(actor, str(task.pk), target.key) if target else None
    context = {"task": task, "form": form, "target": target, "plan": plan, "has_sections": bool(sections)}
    return render_page(request, "tasks/task_move.html", context, status=form_status(form))
