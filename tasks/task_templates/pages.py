"""Pages of task templates: save one from a task, use, rename and delete it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.htmx import render_page
from core.text import truncate
from tasks import policies
from tasks.items import selectors as items_selectors
from tasks.projects import selectors as projects_selectors
from tasks.task_templates import selectors, services
from tasks.task_templates.forms import TemplateNameForm, TemplateTaskForm
from tasks.undo.tokens import add_undo_message


@login_required
@require_safe
def project_templates(request: HttpRequest, key: str) -> HttpResponse:
    """Show the task templates of a project."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    policies.require_editor(projects_selectors.project_role(reader, project))
    context = {"project": project, "templates": list(selectors.list_templates(project))}
    return render_page(request, "tasks/project_templates.html", context)


@login_required
@require_POST
def save_template(request: HttpRequest, key: str) -> HttpResponse:
    """Save a task as a template of its project, under its title."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    form = TemplateNameForm({"name": request.POST.get("name") or truncate(task.title, 120)})
    template = form.submit(
        lambda data: services.create(actor=reader, ref=str(task.project_id), task=str(task.pk), **data)
    )
    if template is None:
        messages.error(
            request, gettext("The template wasn't saved: %(values)s") % {"values": next(iter(form.errors.values()))[0]}
        )
        return redirect("task-detail", key=task.key)
    messages.success(request, gettext("%(name)s saved as a template.") % {"name": template.name})
    return redirect("project-templates", key=task.project.key)


@login_required
@require_POST
def update_template(request: HttpRequest, key: str, template_id: UUID) -> HttpResponse:
    """Rename a template."""
    form = TemplateNameForm(request.POST)
    template = form.submit(
        lambda data: services.update(
            actor=get_request_user(request), ref=key, template_id=template_id, changes={"name": data["name"].strip()}
        )
    )
    if template is None:
        messages.error(
            request, gettext("The template wasn't saved: %(values)s") % {"values": next(iter(form.errors.values()))[0]}
        )
    else:
        messages.success(request, gettext("Template saved."))
    return redirect("project-templates", key=key)


@login_required
@require_POST
def delete_template(request: HttpRequest, key: str, template_id: UUID) -> HttpResponse:
    """Delete a template; tasks made from it stay."""
    services.delete(actor=get_request_user(request), ref=key, template_id=template_id, now=current_time())
    add_undo_message(request, gettext("Template moved to the trash."))
    return redirect("project-templates", key=key)


@login_required
@require_POST
def use_template(request: HttpRequest, key: str, template_id: UUID) -> HttpResponse:
    """Create a task from a template, under the title of the form if any."""
    form = TemplateTaskForm(request.POST)
    task = form.submit(
        lambda data: services.create_task(
            actor=get_request_user(request), ref=key, template_id=template_id, now=current_time(), **data
        )
    )
    if task is None:
        messages.error(
            request, gettext("The task wasn't created: %(values)s") % {"values": next(iter(form.errors.values()))[0]}
        )
        return redirect("project-templates", key=key)
    add_undo_message(request, gettext("%(key)s created.") % {"key": task.key})
    return redirect("task-detail", key=task.key)
