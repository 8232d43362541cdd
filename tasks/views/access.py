"""Who sees a task, why, and with whom it is shared; which teams are in a project."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.callers import person_of
from accounts.models import User
from core.errors import Conflict, Invalid
from core.forms import status_of
from core.htmx import page
from tasks import policies, selectors, services
from tasks.forms import RoleForm, SharedRoleForm, ShareForm, TeamForm
from tasks.models import Task
from tasks.selectors import pages


@login_required
@require_safe
def task_access(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    task = selectors.get_task(reader, key)
    context = _context(reader, task)
    if context["may_ask"]:
        context["explained"] = _explained(reader, task, request.GET.get("person", ""))
    return page(request, "tasks/access.html", context, fragments={"explained": "tasks/_explained.html"})


def _context(reader: User, task: Task, form: ShareForm | None = None) -> dict[str, Any]:
    role = selectors.role_in(reader, task.project)
    can_share = policies.can_share(role) and task.project.archived_at is None
    return {
        "task": task,
        "project": task.project,
        "is_member": role is not None,
        "seers": pages.who_can_see(task.project) if role else [],
        "overseers": pages.overseers() if role and not task.project.is_inbox else {},
        "shares": selectors.shares_seen_by(reader, task).order_by("user__name", "user_id"),
        "shared_roles": SharedRoleForm.base_fields["role"].choices,
        "can_share": can_share,
        "form": form or (ShareForm(people=pages.people_to_share_with(reader)) if can_share else None),
        "may_ask": policies.can_ask_about_others(reader, role),
        "people": [reader, *pages.people_to_share_with(reader)],
    }


def _explained(reader: User, task: Task, asked: str) -> selectors.Explained | None:
    try:
        user_id = UUID(asked)
    except ValueError:
        return None
    return selectors.explain_access(reader, user_id, task.project, task)


@login_required
@require_POST
def share_task(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    form = ShareForm(request.POST, people=pages.people_to_share_with(reader))
    if form.is_valid():
        try:
            share = services.share_task(
                actor=reader, ref=key, role=form.cleaned_data["role"], user_id=form.cleaned_data["user"]
            )
        except (Invalid, Conflict) as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, f"{share.user.name} can see {key} now.")
            return redirect("task-access", key=key)
    context = _context(reader, selectors.get_task(reader, key), form)
    return page(request, "tasks/access.html", context, status=status_of(form))


@login_required
@require_POST
def change_share(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    role = _role_in(SharedRoleForm(request.POST))
    services.change_share(actor=person_of(request), ref=key, user_id=user_id, role=role)
    messages.success(request, "The role is changed.")
    return redirect("task-access", key=key)


@login_required
@require_POST
def unshare_task(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    reader = person_of(request)
    services.unshare_task(actor=reader, ref=key, user_id=user_id)
    messages.success(request, f"{key} is not shared with that person any more.")
    return redirect("task-list") if user_id == reader.pk else redirect("task-access", key=key)


@login_required
@require_POST
def add_team(request: HttpRequest, key: str) -> HttpResponse:
    form = TeamForm(request.POST, teams=[])
    if not form.is_valid():
        raise Invalid.field("team", "Choose a team and a role.", "invalid")
    sent = form.cleaned_data
    given = services.add_project_team(actor=person_of(request), ref=key, team_id=sent["team"], role=sent["role"])
    messages.success(request, f"The team {given.team.name} is in the project now.")
    return redirect("project-page", key=key)


@login_required
@require_POST
def change_team(request: HttpRequest, key: str, team_id: UUID) -> HttpResponse:
    role = _role_in(RoleForm(request.POST))
    services.change_project_team(actor=person_of(request), ref=key, team_id=team_id, role=role)
    messages.success(request, "The team's role is changed.")
    return redirect("project-page", key=key)


@login_required
@require_POST
def remove_team(request: HttpRequest, key: str, team_id: UUID) -> HttpResponse:
    services.remove_project_team(actor=person_of(request), ref=key, team_id=team_id, now=timezone.now())
    messages.success(request, "The team is no longer in the project.")
    return redirect("project-page", key=key)


def _role_in(form: RoleForm) -> str:
    if not form.is_valid():
        raise Invalid.field("role", "There is no such role.")
    return str(form.cleaned_data["role"])
