from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import person_of
from core.errors import Invalid
from core.forms import status_of
from core.htmx import page, posted
from tasks import selectors, services
from tasks.forms import CommentForm
from tasks.views.shared import version_in
from tasks.views.task import FRAGMENTS, task_context


@login_required
@require_POST
def add_comment(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            services.add_comment(actor=reader, task_ref=key, body=form.cleaned_data["body"], now=timezone.now())
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            return redirect("task-page", key=key)
    context = task_context(reader, selectors.get_task(reader, key), comment_form=form)
    return page(request, "tasks/task.html", context, fragments=FRAGMENTS, status=status_of(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_comment(request: HttpRequest, key: str, comment_id: UUID) -> HttpResponse:
    reader = person_of(request)
    task = selectors.get_task(reader, key)
    comment = selectors.get_own_comment(reader, task, comment_id)
    form = CommentForm(posted(request), initial={"body": comment.body})
    if request.method == "POST" and form.is_valid():
        changes: dict[str, Any] = {"body": form.cleaned_data["body"], "versions": version_in(request)}
        services.edit_comment(actor=reader, task_ref=key, comment_id=comment_id, now=timezone.now(), **changes)
        messages.success(request, "The comment is changed.")
        return redirect("task-page", key=key)
    context = {"task": task, "comment": comment, "form": form}
    return page(request, "tasks/comment.html", context, status=status_of(form))


@login_required
@require_POST
def delete_comment(request: HttpRequest, key: str, comment_id: UUID) -> HttpResponse:
    services.delete_comment(actor=person_of(request), task_ref=key, comment_id=comment_id)
    messages.success(request, "The comment is deleted.")
    return redirect("task-page", key=key)
