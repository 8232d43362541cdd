"""Pages of a task's access: shares, members, and the explanation of a user's access."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.errors import Conflict, Invalid
from core.forms import form_status
from core.htmx import render_page
from tasks import policies
from tasks.items import selectors as items_selectors
from tasks.link_shares.forms import LinkShareForm
from tasks.link_shares.selectors import usable_links
from tasks.link_shares.tokens import link_url
from tasks.members import selectors as members_selectors
from tasks.members.forms import cleaned_role
from tasks.models import Task
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors, services
from tasks.sharing.forms import SharedRoleForm, ShareForm


@login_required
@require_safe
def task_access(request: HttpRequest, key: str) -> HttpResponse:
    """Show who has access to a task, and for `?user=` why."""
    reader = get_request_user(request)
    task = items_selectors.get_task(reader, key)
    context = _context(reader, task)
    if context["can_explain"]:
        # Without a choice, or with a broken link, the page explains no user's access.
        user_id: UUID | None = None
        with contextlib.suppress(ValueError):
            user_id = UUID(request.GET.get("user", ""))
        context["explanation"] = selectors.explain_access(reader, user_id, task.project, task) if user_id else None
    return render_page(
        request, "tasks/access.html", context, fragments={"explanation": "tasks/_access_explanation.html"}
    )


def _context(reader: User, task: Task, form: ShareForm | None = None) -> dict[str, Any]:
    role = projects_selectors.project_role(reader, task.project)
    can_share = policies.can_share(role) and task.project.archived_at is None
    return {
        "task": task,
        "project": task.project,
        "is_member": role is not None,
        "viewers": members_selectors.list_viewers(task.project) if role else [],
        "site_access": members_selectors.count_staff_and_admins() if role and not task.project.is_inbox else {},
        "shares": selectors.list_visible_shares(reader, task).order_by("user__name", "user_id"),
        "shared_roles": SharedRoleForm.base_fields["role"].choices,
        "can_share": can_share,
        "form": form or (ShareForm(people=members_selectors.users_to_share_with(reader)) if can_share else None),
        "links": [(link, link_url(link)) for link in usable_links(task)] if can_share else [],
        "link_form": LinkShareForm() if can_share else None,
        "can_explain": policies.can_explain_others(reader, role),
        "people": [reader, *members_selectors.users_to_share_with(reader)],
    }


@login_required
@require_POST
def share_task(request: HttpRequest, key: str) -> HttpResponse:
    """Share a task with a user, or change the role of that share."""
    reader = get_request_user(request)
    form = ShareForm(request.POST, people=members_selectors.users_to_share_with(reader))
    share = form.submit(lambda data: services.add(actor=reader, ref=key, role=data["role"], user_id=data["user"]))
    if share is not None:
        messages.success(request, gettext("%(key)s shared with %(name)s.") % {"key": key, "name": share.user.name})
        return redirect("task-access", key=key)
    context = _context(reader, items_selectors.get_task(reader, key), form)
    return render_page(request, "tasks/access.html", context, status=form_status(form))


def show_rules_in_place(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a form of the access page, which then shows why it was refused."""

    @wraps(view)
    def wrapper(request: HttpRequest, key: str, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, key, **kwargs)
        except (Invalid, Conflict) as error:
            reader = get_request_user(request)
            context = _context(reader, items_selectors.get_task(reader, key))
            context["share_error"] = error.message
            return render_page(request, "tasks/access.html", context, status=error.status)

    return wrapper


@login_required
@require_POST
@show_rules_in_place
def update_share(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    role = cleaned_role(SharedRoleForm(request.POST))
    services.update(actor=get_request_user(request), ref=key, user_id=user_id, role=role)
    messages.success(request, gettext("Role changed."))
    return redirect("task-access", key=key)


@login_required
@require_POST
@show_rules_in_place
def unshare_task(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    """Stop sharing a task; a user who gives up a share no longer sees the task."""
    reader = get_request_user(request)
    services.remove(actor=reader, ref=key, user_id=user_id)
    messages.success(request, gettext("%(key)s is no longer shared with that person.") % {"key": key})
    return redirect("task-list") if user_id == reader.pk else redirect("task-access", key=key)
