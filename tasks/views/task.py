"""One task: its page, making it, changing it, deleting it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import person_of
from accounts.models import User
from core.errors import Invalid, Stale
from core.forms import status_of
from core.htmx import page, posted
from tasks import policies, selectors, services
from tasks.conflicts import conflict
from tasks.forms import CommentForm, NewTaskForm, SharedTaskForm, TaskForm, initial_of
from tasks.models import Role, Task
from tasks.selectors import pages
from tasks.timeline import entries, people_in
from tasks.views.shared import version_in

FRAGMENTS = {"comments": "tasks/_comments.html"}
SHOWN_COMMENTS = 100
SHOWN_FACTS = 30


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_page(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    task = selectors.get_task(reader, key)
    if request.method == "POST":
        return _update(request, reader, task)
    return page(request, "tasks/task.html", task_context(reader, task), fragments=FRAGMENTS)


def _update(request: HttpRequest, reader: User, task: Task) -> HttpResponse:
    form = _form(reader, task, request)
    if form.is_valid():
        try:
            services.update_task(
                actor=reader, ref=str(task.pk), changes=form.changes(), now=timezone.now(), versions=version_in(request)
            )
        except Stale as stale:
            context = {"task": task, "conflict": conflict(stale, form, request.POST)}
            return page(request, "tasks/conflict.html", context, status=409)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, f"{task.key} is saved.")
            return redirect("task-page", key=task.key)
    return page(request, "tasks/task.html", task_context(reader, task, form=form), status=status_of(form))


def task_context(
    reader: User, task: Task, *, form: TaskForm | None = None, comment_form: CommentForm | None = None
) -> dict[str, Any]:
    """Everything a task's page shows."""
    in_project, role = selectors.roles_on(reader, task)
    now, today = timezone.now(), timezone.localdate()
    is_current = task.project.archived_at is None
    below = pages.rows_for(reader, selectors.subtasks(reader, task)[:100], now=now, today=today)
    newest = list(selectors.comments(task).order_by("-pk")[: SHOWN_COMMENTS + 1])
    return {
        "task": task,
        "project": task.project,
        "form": form or _form(reader, task, is_member=in_project is not None),
        "comment_form": comment_form or CommentForm(),
        "comments": newest[:SHOWN_COMMENTS][::-1],
        "has_older_comments": len(newest) > SHOWN_COMMENTS,
        "history": _history(task),
        "subtasks": below,
        "subtasks_done": sum(row.task.is_closed for row in below),
        "is_overdue": task.is_overdue(now, today),
        "is_member": in_project is not None,
        "can_edit": is_current and policies.can_edit(role),
        "can_comment": is_current and policies.can_comment(role),
        "can_manage": in_project == Role.ADMIN,
    }


def _history(task: Task) -> list[Any]:
    facts = list(selectors.activity(task).order_by("-pk")[:SHOWN_FACTS])
    names = pages.names_of(people_in(facts))
    states = {state.slug: state.name for state in selectors.states(task.project)}
    return entries(facts, names=names, states=states)


def _form(reader: User, task: Task, request: HttpRequest | None = None, *, is_member: bool | None = None) -> TaskForm:
    if is_member is None:
        is_member = not reader.is_guest or selectors.role_in(reader, task.project) is not None
    states = list(selectors.states(task.project))
    data = request.POST if request else None
    if not is_member:
        return SharedTaskForm(data, people=(), states=states, initial=initial_of(task))
    return TaskForm(
        data,
        people=pages.people_to_assign(task.project),
        states=states,
        parents=pages.parents_for(task),
        initial=initial_of(task),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_task(request: HttpRequest) -> HttpResponse:
    reader = person_of(request)
    projects = pages.projects_to_write_in(reader)
    initial = {name: request.GET.get(name, "") for name in ("project", "title")}
    form = NewTaskForm(posted(request), projects=projects, people=pages.choices(reader).people, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            task = services.create_task(
                actor=reader, draft=_draft(form), now=timezone.now(), project_ref=form.cleaned_data["project"]
            )
        except Invalid as refusal:
            form.add_refusal(_about_the_form(refusal))
        else:
            messages.success(request, f"{task.key} is created.")
            return redirect("task-page", key=task.key)
    return page(request, "tasks/new.html", {"form": form}, status=status_of(form))


def _draft(form: NewTaskForm) -> services.Draft:
    sent = form.cleaned_data
    return services.Draft(
        title=sent["title"],
        description=sent["description"],
        priority=sent["priority"],
        due_date=sent["due_date"],
        assignees=[UUID(sent["assignee"])] if sent["assignee"] else [],
        labels=sent["labels"],
    )


def _about_the_form(refusal: Invalid) -> Invalid:
    """The form asks for one assignee where the service takes several."""
    fields = [field._replace(field="assignee") if field.field == "assignees" else field for field in refusal.fields]
    return Invalid(refusal.detail, fields=fields)


@login_required
@require_POST
def add_subtask(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    task = selectors.get_task(reader, key)
    title = request.POST.get("title", "").strip()
    if not title or len(title) > 500 or "\x00" in title:
        messages.error(request, "A subtask needs a title of at most 500 characters.")
    else:
        draft = services.Draft(title=title, parent=task.pk)
        made = services.create_task(actor=reader, draft=draft, now=timezone.now(), project_ref=str(task.project_id))
        messages.success(request, f"{made.key} is created.")
    return redirect("task-page", key=task.key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_task(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then delete: a page of its own, because it cannot be undone."""
    reader = person_of(request)
    task = selectors.get_task(reader, key)
    if request.method == "POST":
        services.delete_task(actor=reader, ref=str(task.pk), now=timezone.now())
        messages.success(request, f"{task.key} is deleted.")
        return redirect(f"{reverse('task-list')}?project={task.project.key}")
    policies.require(
        policies.can_edit(selectors.role_in(reader, task.project)), "You may read this project, not change it."
    )
    return page(request, "tasks/delete.html", {"task": task})
