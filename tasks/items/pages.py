"""Pages of tasks: list, detail, edit, create, delete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.api.pagination import PageRequest
from core.clock import current_time
from core.errors import Conflict, Invalid, VersionConflict
from core.etags import merge_changes
from core.forms import expected_version, form_status
from core.htmx import form_data, render_page, requested_fragment
from core.text import is_blank, normalize
from core.validators import CONTROL_CHARACTERS
from tasks import policies
from tasks.bulk import deletions
from tasks.bulk.forms import BulkForm
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.custom_fields.forms import ValuesForm
from tasks.filters import selectors as filters_selectors
from tasks.filters.columns import column_choices, field_keys
from tasks.filters.forms import table_columns, url_with
from tasks.filters.list_filter import ListFilter, read_filter
from tasks.items import drafts, page_queries, selectors, services
from tasks.items.conflicts import build_conflict, describe_author
from tasks.items.forms import NewTaskForm
from tasks.items.neighbours import list_query
from tasks.items.task_page import FRAGMENTS, task_context, task_form
from tasks.members import selectors as members_selectors
from tasks.models import Project
from tasks.models.task import TaskQuerySet
from tasks.projects import selectors as projects_selectors
from tasks.projects import wip_limits
from tasks.saved_filters import selectors as saved_filters_selectors
from tasks.saved_filters.forms import audience_of
from tasks.sections.selectors import list_sections
from tasks.task_templates.selectors import list_templates
from tasks.undo.tokens import add_undo_message, with_next_task

PAGE_SIZE = 50
GROUPINGS = {"section": gettext_noop("No section"), "state": "", "assignee": gettext_noop("Unassigned")}
MAX_SAVED_FILTERS = 12


@login_required
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """List the visible tasks; htmx gets the table alone."""
    reader = get_request_user(request)
    context = task_list_context(request, reader)
    # The table alone has no room for them.
    if not requested_fragment(request):
        context["saved_filters"] = saved_filters_selectors.list_for_navigation(reader, limit=MAX_SAVED_FILTERS)
    return render_page(request, "tasks/task_list.html", context, fragments={"results": "tasks/_task_table.html"})


def task_list_context(request: HttpRequest, reader: User, project: Project | None = None) -> dict[str, Any]:
    """Return the context of the task table, of all visible tasks or of one project."""
    now, today = current_time(), timezone.localdate(current_time())
    list_filter, tasks = filter_listed_tasks(reader, request.GET, now=now, project=project)
    form, filters, since = list_filter.form, list_filter.filters, list_filter.since
    page_request = PageRequest(
        sorts=filters_selectors.TASK_SORTS,
        ordering=form.order,
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        # A cursor holds for this reader and these filters only.
        owner=str(reader.pk),
        filters=f"page:{list_filter.rest}:{sorted((name, str(value)) for name, value in form.cleaned_data.items())}",
    )
    sections = list(list_sections(project)) if project else []
    groupings = [name for name in GROUPINGS if name != "section" or sections]
    group = group if (group := list_filter.query.get("group")) in groupings else ""
    is_all_selected = request.GET.get("select") == "all"
    is_exact = is_all_selected or group or not filters.search
    count_limit = page_queries.MAX_COUNT if is_exact else page_queries.MAX_SEARCH_COUNT
    count = page_queries.bounded_count(tasks, count_limit)
    if is_grouped := bool(group) and count <= count_limit:
        number, last = request.GET.get("page", ""), max(1, -(-count // PAGE_SIZE))
        number = min(max(1, int(number)), last) if number.isdecimal() and len(number) < 6 else 1
        numbered = replace(page_request, page=number)
        page = page_queries.paginate_groups(
            reader, tasks, group, numbered, project=project, zone=filters.zone, count=count
        )
    else:
        page = page_queries.paginate_tasks(reader, tasks, page_request, zone=filters.zone)
    columns = list_filter.columns
    fields = custom_fields_selectors.column_fields(reader, project, field_keys(columns))
    return {
        "form": form,
        "list_filter": list_filter,
        "chips": list_filter.chips,
        "list_query": list_query(list_filter),
        "columns": table_columns(form.order, list_filter.query, columns, fields),
        "column_choices": column_choices(columns, list_filter.query, fields),
        "own_columns": ",".join(columns) if columns != list_filter.default_columns else "",
        "audience": audience_of(list_filter.view) if list_filter.view else "",
        "page": page,
        "bulk_form": BulkForm(
            auto_id="bulk_%s",
            actor=reader,
            people=form.fields["assignee"].choices[1:],
            people_url=form.fields["assignee"].widget.attrs.get("data-options-url", ""),
        ),
        "rows": page_queries.build_rows(reader, page.rows, now=now, today=today, columns=columns),
        "count": count,
        "is_all_selected": is_all_selected and count <= count_limit,
        "is_too_many_to_select": is_all_selected and count > count_limit,
        "count_limit": count_limit,
        "closed_count": page_queries.count_closed_matches(reader, filters, **since),
        "archived_count": page_queries.count_archived_matches(reader, filters, **since),
        "all_url": url_with(list_filter.query, "category", "all"),
        "project": project,
        "sections": sections,
        "groupings": groupings,
        "ungrouped_name": gettext(GROUPINGS.get(group, "")),
        "group": group,
        "is_grouped": is_grouped,
    }


def filter_listed_tasks(
    reader: User, query: QueryDict, *, now: datetime, project: Project | None = None
) -> tuple[ListFilter, TaskQuerySet]:
    """Return the filter of a list's query string, and the tasks on all its pages."""
    list_filter = read_filter(reader, query, now=now, project=project)
    tasks = page_queries.filter_page_tasks(reader, list_filter.filters, **list_filter.since)
    # Of a filter with an error none: all of them would look like those that match, and be changed in bulk as such.
    return list_filter, tasks.none() if list_filter.error else tasks


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show a task, or save the changed fields of its form; 409 shows both versions of a conflict."""
    reader = get_request_user(request)
    task = selectors.get_task(reader, key)
    if request.method != "POST":
        if key.upper() not in {task.key, str(task.pk).upper()}:  # it had this key in another project
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{reverse('task-detail', args=[task.key])}{'?' if query else ''}{query}")
        context = task_context(reader, task, params=request.GET)
        return render_page(request, "tasks/task_detail.html", context, fragments=FRAGMENTS)
    form = task_form(reader, task, request)
    if form.is_valid():
        try:
            changes, now = form.changes(), current_time()
            written = merge_changes(
                lambda versions: services.update(
                    actor=reader, ref=str(task.pk), changes=changes, now=now, versions=versions
                ),
                expected_version(request),
                form.initial_changes(),
            )
        except VersionConflict as error:
            conflict = build_conflict(error, form, request.POST)
            context = {"task": task, "conflict": conflict, "author": describe_author(reader, task)}
            return render_page(request, "tasks/edit_conflict.html", context, status=409)
        except Invalid as error:
            form.add_domain_error(error)
        except Conflict as error:
            if error.code != wip_limits.CODE:
                raise
            form.add_error("status", error.detail)
        else:
            add_undo_message(request, with_next_task(gettext("%(key)s saved.") % {"key": task.key}))
            if "status" in changes and (warning := wip_limits.warning(written.state)):
                messages.warning(request, warning)
            return redirect("task-detail", key=task.key)
    context = task_context(reader, task, form=form)
    return render_page(request, "tasks/task_detail.html", context, status=form_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_task(request: HttpRequest) -> HttpResponse:
    """Create a task; `?project=` and `?title=` fill in the form."""
    reader = get_request_user(request)
    projects = projects_selectors.writable_projects(reader)
    initial = {name: request.GET.get(name, "") for name in ("project", "title")}
    project_id = request.POST.get("project", "") if request.method == "POST" else initial["project"]
    project = next((one for one in projects if (str(one.pk) == project_id if project_id else one.is_inbox)), None)
    people = members_selectors.assignable_users(project) if project else [reader]
    sections = list(list_sections(project)) if project else []
    form = NewTaskForm(form_data(request), projects=projects, people=people, sections=sections, initial=initial)
    task_fields = custom_fields_selectors.list_project_fields(project.pk) if project else []
    required = [item for item in task_fields if item.field.required]
    values_form = ValuesForm(form_data(request), task_fields=required, people=people, new=True)
    if request.method == "POST" and form.is_valid() & values_form.is_valid():
        data = form.cleaned_data
        draft = drafts.TaskDraft(
            title=data["title"],
            description=data["description"],
            priority=data["priority"],
            due_date=data["due_date"],
            assignees=[UUID(data["assignee"])] if data["assignee"] else [],
            labels=data["labels"],
            section=UUID(data["section"]) if data["section"] else None,
            fields=values_form.values(),
        )
        try:
            task = services.create(actor=reader, draft=draft, now=current_time(), project_ref=data["project"])
        except Invalid as error:
            is_of_values = error.fields and error.fields[0].field.startswith("fields.")
            (values_form if is_of_values else form).add_domain_error(error)
        except Conflict as error:
            if error.code != wip_limits.CODE:
                raise
            form.add_domain_error(error)
        else:
            add_undo_message(request, gettext("%(key)s created.") % {"key": task.key})
            if warning := wip_limits.warning(task.state):
                messages.warning(request, warning)
            return redirect("task-detail", key=task.key)
    # Choosing another project replaces the choices of the assignee.
    fragments = {"assignee-field": "tasks/_assignee_field.html"}
    templates = list(list_templates(project).select_related("project")) if project else []
    context = {"form": form, "values_form": values_form, "templates": templates}
    status = max(form_status(form), form_status(values_form))
    return render_page(request, "tasks/task_new.html", context, fragments=fragments, status=status)


@login_required
@require_POST
def add_subtask(request: HttpRequest, key: str) -> HttpResponse:
    """Create a subtask by its title alone, in the project of its parent."""
    reader = get_request_user(request)
    task = selectors.get_task(reader, key)
    title = normalize(request.POST.get("title", "").strip())
    if is_blank(title) or len(title) > 500 or CONTROL_CHARACTERS.search(title):
        messages.error(request, gettext("A subtask needs a title of at most 500 characters."))
    else:
        draft = drafts.TaskDraft(title=title, parent=task.pk)
        subtask = services.create(actor=reader, draft=draft, now=current_time(), project_ref=str(task.project_id))
        add_undo_message(request, gettext("%(key)s created.") % {"key": subtask.key})
    return redirect("task-detail", key=task.key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_task(request: HttpRequest, key: str) -> HttpResponse:
    """Delete a task after confirmation on its own page, and go to the project's tasks."""
    reader = get_request_user(request)
    task = selectors.get_task(reader, key)
    if request.method == "POST":
        if job := deletions.delete_task(actor=reader, ref=str(task.pk), now=current_time()):
            return redirect("bulk-job", job.pk)
        add_undo_message(request, gettext("%(key)s moved to the trash.") % {"key": task.key})
        return redirect(f"{reverse('task-list')}?project={task.project.key}")
    # Only for the page: the service checks again, under the lock.
    policies.require_editor(projects_selectors.project_role(reader, task.project))
    return render_page(
        request, "tasks/task_confirm_delete.html", {"task": task, "retention_days": settings.TRASH_RETENTION.days}
    )
