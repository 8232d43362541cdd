"""Pages of single fields: a task edited where it stands, in a list or on its page."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.api.endpoints import endpoint
from core.clock import current_time
from core.errors import Conflict, Invalid, VersionConflict, require
from core.etags import merge_changes
from core.forms import expected_version
from core.htmx import render_page, requested_fragment, safe_redirect_url
from core.markdown import render
from core.text import normalize
from tasks import policies
from tasks.filters.forms import table_columns
from tasks.filters.list_filter import list_columns
from tasks.inline_edit.forms import CELLS, Cell, cell_form
from tasks.items import page_queries
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.items.conflicts import build_conflict, describe_author
from tasks.items.forms import TaskForm
from tasks.models import Task
from tasks.projects import wip_limits
from tasks.sharing import selectors as sharing_selectors
from tasks.undo.tokens import add_undo_message, with_next_task

MAX_PREVIEW_LENGTH = 50_000
# The places for previews: of the description where it stands, of that in the form of all fields, of a comment.
MARKDOWN_PREVIEWS = dict.fromkeys(
    ("markdown-preview", "form-preview", "comment-preview"), "tasks/_markdown_preview.html"
)
# What htmx puts a cell's form into: a cell of a table, a property, the title or the description of a task's page.
FORM = "tasks/_cell_form.html"
HOSTS = {"td": FORM, "dd": FORM, "task-name": FORM, "task-description": FORM}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_cell(request: HttpRequest, key: str, field: str) -> HttpResponse:
    """Show the form of one field, or save it; htmx gets the form or the task's row."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    project_role, role = sharing_selectors.project_and_task_role(reader, task)
    # Only for the page: the service checks again, under the lock.
    policies.require_editor(role)
    policies.require_not_archived(task.project)
    if request.method == "POST":
        return _save(request, reader, task, field)
    cell = Cell(field, cell_form(task, field), task.version)
    is_guest = not policies.can_edit(project_role)
    require(not is_guest or items.MEMBER_ONLY_FIELDS.isdisjoint(CELLS[field]), "Only editors may change this field.")
    # The page the form is on, with the place to which the focus returns.
    host = requested_fragment(request)
    url = request.headers.get("HX-Current-URL", request.headers.get("Referer", "")).partition("#")[0]
    url = safe_redirect_url(request, url, reverse("task-detail", args=[task.key]))
    if host != "td":
        url = f"{url}#cell-{field}"
    context = {"task": task, "cell": cell, "in_row": host == "td", "page_url": url}
    return render_page(request, "tasks/cell.html", context, fragments=HOSTS)


def _save(request: HttpRequest, reader: User, task: Task, field: str) -> HttpResponse:
    form = cell_form(task, field, request.POST)
    cell, status = _write(request, reader, task, field, form)
    # Back to the page the form was on, if it is one of ours.
    url = safe_redirect_url(request, request.POST.get("next", ""), reverse("task-detail", args=[task.key]))
    if not requested_fragment(request):
        if status == 200:
            return HttpResponseRedirect(url)
        context = {"task": task, "cell": cell, "page_url": url}
        return render_page(request, "tasks/cell.html", context, status=status)
    # The row as it is now, also after an error.
    columns = list_columns(reader, QueryDict(urlsplit(url).query))
    current = page_queries.with_progress(reader, items_selectors.get_task(reader, str(task.pk)))
    [row] = page_queries.build_rows(
        reader, [current], now=current_time(), today=timezone.localdate(current_time()), columns=columns
    )
    hosts = ("status", "priority", "assignees", "due")
    context = {
        "row": row,
        "columns": table_columns("", QueryDict(), columns),
        "cell_in_title": status != 200 and (field not in hosts or field not in columns),
        "task": current,
        "page_url": url,
        "in_row": True,
        "cell": None if status == 200 else cell,
    }
    fragments = {f"task-{task.pk}": "tasks/_task_row.html"}
    return render_page(request, "tasks/_task_row.html", context, fragments=fragments, status=status)


def _write(request: HttpRequest, reader: User, task: Task, field: str, form: TaskForm) -> tuple[Cell, int]:
    """Write the changed fields; return the cell to show and the status, 200 if it was saved."""
    cell = Cell(field, form, task.version)
    if not form.is_valid():
        return cell, 422
    changes, now = form.changes(), current_time()
    try:
        written = merge_changes(
            lambda versions: items.update(actor=reader, ref=str(task.pk), changes=changes, now=now, versions=versions),
            expected_version(request),
            form.initial_changes(),
        )
    except VersionConflict as error:
        author = describe_author(reader, task)
        conflict = build_conflict(error, form, request.POST)
        messages.warning(
            request,
            gettext("%(key)s was changed by %(author)s. Your change isn't saved yet.")
            % {"key": task.key, "author": author},
        )
        return Cell(field, form, conflict.version, conflict, author), 409
    except Invalid as error:
        form.add_domain_error(error)
        return cell, 422
    except Conflict as error:
        if error.code != wip_limits.CODE:
            raise
        form.add_domain_error(error)
        return cell, 409
    if changes:
        add_undo_message(request, with_next_task(gettext("%(label)s saved.") % {"label": cell.label}))
    if "status" in changes and (warning := wip_limits.warning(written.state)):
        messages.warning(request, warning)
    return cell, 200


@login_required
@require_safe
def task_menu(request: HttpRequest, key: str) -> HttpResponse:
    """Show what can be done with a task; htmx gets the menu of its row."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    project_role, role = sharing_selectors.project_and_task_role(reader, task)
    can_edit = task.project.archived_at is None and policies.can_edit(role)
    context = {
        "task": task,
        "task_url": request.build_absolute_uri(reverse("task-detail", args=[task.key])),
        "can_edit": can_edit,
        "is_member": project_role is not None,
    }
    return render_page(request, "tasks/task_menu.html", context, fragments={"a": "tasks/_row_menu.html"})


# A preview is no write: the key of its form is that of the task.
@endpoint(idempotent=False)
@login_required
@require_POST
def preview_markdown(request: HttpRequest) -> HttpResponse:
    """Show a description or comment as it will look; htmx gets the text alone."""
    text = normalize(request.POST.get("description") or request.POST.get("body", ""))
    is_too_long = len(text) > MAX_PREVIEW_LENGTH
    error = f"A text has at most {MAX_PREVIEW_LENGTH:,} characters." if is_too_long else ""
    context = {"error": error, "html": "" if is_too_long else render(text)}
    return render_page(request, "tasks/markdown_preview.html", context, fragments=MARKDOWN_PREVIEWS)
