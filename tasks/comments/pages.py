from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Invalid, VersionConflict
from core.forms import expected_version, form_status
from core.htmx import form_data, render_page
from tasks.comments import selectors, services
from tasks.comments.forms import CommentForm
from tasks.items import selectors as items_selectors
from tasks.items.task_page import FRAGMENTS, task_context
from tasks.members import selectors as members_selectors
from tasks.models import Comment, Task
from tasks.projects import selectors as projects_selectors
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def add_comment(request: HttpRequest, key: str) -> HttpResponse:
    """Add a comment; an error shows the page of the task with the form."""
    reader = get_request_user(request)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            services.add(actor=reader, ref=key, body=form.cleaned_data["body"], now=current_time())
        except Invalid as error:
            form.add_domain_error(error)
        else:
            add_undo_message(request, gettext("Comment added."))
            return redirect("task-detail", key=key)
    context = task_context(reader, items_selectors.get_task(reader, key), comment_form=form)
    return render_page(request, "tasks/task_detail.html", context, fragments=FRAGMENTS, status=form_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_comment(request: HttpRequest, key: str, comment_id: UUID) -> HttpResponse:
    """Edit a comment of the user's own. Raises NotFound for other comments."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    comment = selectors.get_own_comment(reader, task, comment_id)
    form = CommentForm(form_data(request), initial={"body": comment.body})
    if request.method == "POST" and form.is_valid():
        changes: dict[str, Any] = {"body": form.cleaned_data["body"], "versions": expected_version(request)}
        try:
            services.update(actor=reader, ref=key, comment_id=comment_id, now=current_time(), **changes)
        except VersionConflict as error:
            # Only its author can change a comment, so it was the same person.
            form.add_error("body", gettext("You changed this comment in another tab. Save again to keep this text."))
            comment.version = error.version
            return _comment_page(request, reader, task, comment, form, status=409)
        add_undo_message(request, gettext("Comment updated."))
        return redirect("task-detail", key=key)
    return _comment_page(request, reader, task, comment, form, status=form_status(form))


def _comment_page(
    request: HttpRequest, reader: User, task: Task, comment: Comment, form: CommentForm, *, status: int
) -> HttpResponse:
    # Guests don't learn who else is in the project.
    is_member = projects_selectors.project_role(reader, task.project) is not None
    people = members_selectors.assignable_users(task.project) if is_member else []
    context = {"task": task, "comment": comment, "form": form, "people": people}
    return render_page(request, "tasks/comment_form.html", context, status=status)


@login_required
@require_POST
def delete_comment(request: HttpRequest, key: str, comment_id: UUID) -> HttpResponse:
    services.delete(actor=get_request_user(request), ref=key, comment_id=comment_id, now=current_time())
    add_undo_message(request, gettext("Comment deleted."))
    return redirect("task-detail", key=key)
