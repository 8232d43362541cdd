"""Pages of custom fields: the panel of a task, the fields of a project, shared fields, one field."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Conflict, Invalid, VersionConflict
from core.etags import merge_changes
from core.forms import changed_values, expected_version, form_status, initial_values
from core.htmx import form_data, render_page
from tasks import policies
from tasks.custom_fields import definitions, options, placement, selectors, services
from tasks.custom_fields.forms import FieldForm, FieldUpdateForm, OptionDeleteForm, OptionForm, ValuesForm
from tasks.items import selectors as items_selectors
from tasks.items.conflicts import describe_author
from tasks.items.task_page import task_context
from tasks.members import selectors as members_selectors
from tasks.models import CustomField, Project
from tasks.models.custom_field import OPTION_KINDS
from tasks.projects import selectors as projects_selectors

ADMINISTRATORS_ONLY = gettext_noop("Only administrators manage shared fields.")


@login_required
@require_POST
def update_values(request: HttpRequest, key: str) -> HttpResponse:
    """Save the changed values of a task; an error shows the page of the task with the form."""
    reader, now = get_request_user(request), current_time()
    task = items_selectors.get_task(reader, key)
    form = ValuesForm(
        request.POST,
        task_fields=selectors.list_task_fields(task),
        people=members_selectors.assignable_users(task.project),
    )
    status = 422
    if form.is_valid():
        changes = form.changes()
        try:
            merge_changes(
                lambda versions: services.update_values(
                    actor=reader, ref=str(task.pk), fields=changes, now=now, versions=versions
                ),
                expected_version(request),
                form.initial_changes(),
            )
        except VersionConflict:
            author = describe_author(reader, task)
            form.add_error(
                None,
                gettext("These fields were changed by %(author)s meanwhile. Save again to keep your values.")
                % {"author": author},
            )
            # With the present version, so that saving again overwrites it knowingly.
            task, status = items_selectors.get_task(reader, key), 409
        except Invalid as error:
            form.add_domain_error(error)
        else:
            messages.success(request, gettext("Fields saved."))
            return redirect(f"{reverse('task-detail', args=[task.key])}#fields")
    context = task_context(reader, task, values_form=form)
    return render_page(request, "tasks/task_detail.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_fields(request: HttpRequest, key: str) -> HttpResponse:
    """List the fields of a project, and create one."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    policies.require_manager(projects_selectors.project_role(reader, project))
    form = FieldForm(form_data(request))
    field = form.submit(lambda _: definitions.create(actor=reader, ref=key, **form.definition()))
    if field is not None:
        messages.success(request, gettext("%(name)s added.") % {"name": field.name})
        return redirect("project-fields", key=project.key)
    return render_page(request, "tasks/fields.html", _project_context(project, form), status=form_status(form))


def _project_context(project: Project, form: FieldForm) -> dict[str, Any]:
    return {
        "project": project,
        "form": form,
        "fields": selectors.list_project_fields(project.pk, archived=None),
        "addable_fields": selectors.addable_fields(project)[: definitions.MAX_SHARED_FIELDS],
        "max_fields": definitions.MAX_FIELDS,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def shared_fields(request: HttpRequest) -> HttpResponse:
    """List the fields that projects can share, and create one."""
    reader = get_request_user(request)
    policies.require_administrator(reader, ADMINISTRATORS_ONLY)
    form = FieldForm(form_data(request))
    field = form.submit(lambda _: definitions.create(actor=reader, **form.definition()))
    if field is not None:
        messages.success(request, gettext("%(name)s added.") % {"name": field.name})
        return redirect("shared-fields")
    fields = selectors.list_shared_fields(reader).order_by("name", "pk")[: definitions.MAX_SHARED_FIELDS]
    context = {"form": form, "shared": fields, "max_fields": definitions.MAX_SHARED_FIELDS}
    return render_page(request, "tasks/fields.html", context, status=form_status(form))


@login_required
@require_POST
def move_field(request: HttpRequest, key: str, field_id: UUID) -> HttpResponse:
    """Move a field to the place of the form's buttons."""
    text = request.POST.get("position", "")
    position = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
    placement.move(actor=get_request_user(request), ref=key, field_id=field_id, position=position)
    return redirect("project-fields", key=key)


@login_required
@require_POST
def link_field(request: HttpRequest, key: str) -> HttpResponse:
    """Add the chosen shared field to a project."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    policies.require_manager(projects_selectors.project_role(reader, project))
    chosen = {str(field.pk): field for field in selectors.addable_fields(project)}.get(request.POST.get("field", ""))
    if chosen is None:
        messages.error(request, gettext("Choose a shared field."))
    else:
        try:
            placement.link(actor=reader, ref=key, field_id=chosen.pk)
            messages.success(request, gettext("%(name)s added.") % {"name": chosen.name})
        except Conflict as error:
            messages.error(request, error.detail)
    return redirect("project-fields", key=project.key)


@login_required
@require_POST
def unlink_field(request: HttpRequest, key: str, shared_field_id: UUID) -> HttpResponse:
    """Take a shared field out of a project."""
    placement.unlink(actor=get_request_user(request), ref=key, field_id=shared_field_id)
    messages.success(request, gettext("Field removed. Its values are kept, in case you add it again."))
    return redirect("project-fields", key=key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def field_detail(request: HttpRequest, field_id: UUID) -> HttpResponse:
    """Show a field with its options, save its definition, or archive it."""
    reader, now = get_request_user(request), current_time()
    field = _managed_field(reader, field_id)
    if request.method == "POST" and request.POST.get("archive"):
        archived = request.POST["archive"] == "yes"
        definitions.update(actor=reader, field_id=field_id, changes={"archived": archived}, now=now)
        return redirect("field", field_id=field_id)
    form = _update_form(field, request)
    if request.method == "POST" and form.is_valid():
        changes = changed_values(form)
        try:
            merge_changes(
                lambda versions: definitions.update(
                    actor=reader, field_id=field_id, changes=changes, now=now, versions=versions
                ),
                expected_version(request),
                initial_values(form),
            )
        except VersionConflict:
            form.add_error(
                None, gettext("The field has changed since you opened this page. Save again to keep your version.")
            )
            context = _field_context(_managed_field(reader, field_id), form=form)
            return render_page(request, "tasks/field.html", context, status=409)
        except (Invalid, Conflict) as error:
            form.add_domain_error(error)
        else:
            messages.success(request, gettext("Field saved."))
            return redirect("field", field_id=field_id)
    return render_page(request, "tasks/field.html", _field_context(field, form=form), status=form_status(form))


@login_required
@require_POST
def delete_field(request: HttpRequest, field_id: UUID) -> HttpResponse:
    """Delete a field; one with values must be archived."""
    reader = get_request_user(request)
    field = _managed_field(reader, field_id)
    try:
        definitions.delete(actor=reader, field_id=field_id, now=current_time())
    except Conflict as error:
        messages.error(request, error.detail)
        return redirect("field", field_id=field_id)
    messages.success(request, gettext("%(name)s deleted.") % {"name": field.name})
    return redirect("project-fields", key=field.project.key) if field.project else redirect("shared-fields")


@login_required
@require_POST
def add_option(request: HttpRequest, field_id: UUID) -> HttpResponse:
    """Add an option to a field."""
    reader = get_request_user(request)
    field = _managed_field(reader, field_id)
    form = OptionForm(request.POST)
    if form.submit(lambda data: options.add(actor=reader, field_id=field_id, **data)):
        return redirect(f"{reverse('field', args=[field_id])}#options")
    return render_page(request, "tasks/field.html", _field_context(field, option_form=form), status=422)


@login_required
@require_POST
def update_option(request: HttpRequest, field_id: UUID, option_id: UUID) -> HttpResponse:
    """Save the name, colour or place of an option."""
    reader = get_request_user(request)
    field = _managed_field(reader, field_id)
    selectors.get_option(field, option_id)
    form = OptionForm(request.POST)
    changes: dict[str, Any] = {}
    text = request.POST.get("position", "")
    if text.isascii() and text.isdecimal() and len(text) < 4:
        changes["position"] = int(text)

    def save(data: dict[str, Any]) -> Any:
        changes.update({name: value for name, value in data.items() if value})
        return options.update(actor=reader, field_id=field_id, option_id=option_id, changes=changes)

    if form.submit(save):
        return redirect(f"{reverse('field', args=[field_id])}#options")
    return render_page(request, "tasks/field.html", _field_context(field, option_form=form), status=422)


@login_required
@require_POST
def delete_option(request: HttpRequest, field_id: UUID, option_id: UUID) -> HttpResponse:
    """Delete an option; tasks that have it get the chosen one, or none."""
    reader = get_request_user(request)
    field = _managed_field(reader, field_id)
    option = selectors.get_option(field, option_id)
    form = OptionDeleteForm(request.POST, others=[other for other in field.options.all() if other != option])
    if form.is_valid():
        replace_with = form.cleaned_data["replace_with"]
        try:
            options.delete(
                actor=reader,
                field_id=field_id,
                option_id=option_id,
                now=current_time(),
                replace_with=replace_with,
                remove=not replace_with,
            )
            messages.success(request, gettext("%(name)s deleted.") % {"name": option.name})
        except Conflict as error:
            messages.error(request, error.detail)
    return redirect(f"{reverse('field', args=[field_id])}#options")


def _managed_field(reader: User, field_id: UUID) -> CustomField:
    """Return a field that the reader manages. Raises NotFound, NotAllowed."""
    field = selectors.get_visible_field(reader, field_id)
    if field.project:
        policies.require_manager(projects_selectors.project_role(reader, field.project))
    else:
        policies.require_administrator(reader, ADMINISTRATORS_ONLY)
    return field


def _update_form(field: CustomField, request: HttpRequest | None = None) -> FieldUpdateForm:
    kinds = [field.kind, *sorted(new for old, new in definitions.LOSSLESS_KINDS if old == field.kind)]
    choices = list(field.options.order_by("position", "pk"))
    return FieldUpdateForm(form_data(request) if request else None, field=field, kinds=kinds, options=choices)


def _field_context(
    field: CustomField, *, form: FieldUpdateForm | None = None, option_form: OptionForm | None = None
) -> dict[str, Any]:
    counts = selectors.count_by_option(field)
    listed = list(field.options.order_by("position", "pk"))
    return {
        "field": field,
        "project": field.project,
        "form": form or _update_form(field),
        "has_options": field.kind in OPTION_KINDS,
        "options": [(option, counts.get(option.pk, 0)) for option in listed],
        "option_form": option_form or OptionForm(initial={"colour": "#5c6472"}),
        "task_count": selectors.count_tasks(field),
    }
