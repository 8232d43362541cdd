from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from accounts.users.invitations.rate_limits import rate_limited_invitation
from core.clock import current_time
from core.errors import Conflict, Invalid
from core.forms import form_status
from core.htmx import render_page
from tasks.members import invitations, teams
from tasks.members import services as members
from tasks.members.forms import InvitationForm, ProjectTeamForm, RoleForm, cleaned_role
from tasks.projects import selectors as projects_selectors
from tasks.projects.pages import build_member_form, project_context


def show_rules_in_place(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a form of the project's page, which then shows why it was refused."""

    @wraps(view)
    def wrapper(request: HttpRequest, key: str, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, key, **kwargs)
        except (Invalid, Conflict) as error:
            reader = get_request_user(request)
            context = project_context(request, reader, projects_selectors.get_project(reader, key))
            context["member_error"] = error.message
            return render_page(request, "tasks/project_detail.html", context, status=error.status)

    return wrapper


@login_required
@require_POST
@show_rules_in_place
def add_team(request: HttpRequest, key: str) -> HttpResponse:
    form = ProjectTeamForm(request.POST, teams=[])
    if not form.is_valid():
        raise Invalid.field("team", gettext("Choose a team and a role."), "invalid")
    data = form.cleaned_data
    project_team = teams.add(actor=get_request_user(request), ref=key, team_id=data["team"], role=data["role"])
    messages.success(request, gettext("Team %(name)s added to the project.") % {"name": project_team.team.name})
    return redirect("project-detail", key=key)


@login_required
@require_POST
@show_rules_in_place
def update_team(request: HttpRequest, key: str, team_id: UUID) -> HttpResponse:
    role = cleaned_role(RoleForm(request.POST))
    teams.update(actor=get_request_user(request), ref=key, team_id=team_id, role=role)
    messages.success(request, gettext("Team role changed."))
    return redirect("project-detail", key=key)


@login_required
@require_POST
@show_rules_in_place
def remove_team(request: HttpRequest, key: str, team_id: UUID) -> HttpResponse:
    teams.remove(actor=get_request_user(request), ref=key, team_id=team_id, now=current_time())
    messages.success(request, gettext("Team removed from the project."))
    return redirect("project-detail", key=key)


@login_required
@require_POST
@show_rules_in_place
def invite(request: HttpRequest, key: str) -> HttpResponse:
    reader = get_request_user(request)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("email", gettext("Enter an email address and choose a role."))
    with rate_limited_invitation(request, reader, form.cleaned_data["email"]):
        invitation = invitations.invite(actor=reader, ref=key, now=current_time(), **form.cleaned_data)
    messages.success(
        request,
        gettext("Invitation to %(target)s sent to %(email)s.")
        % {"target": invitation.target, "email": invitation.email},
    )
    return redirect("project-detail", key=key)


@login_required
@require_POST
def add_member(request: HttpRequest, key: str) -> HttpResponse:
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    form = build_member_form([], request.POST)
    member = form.submit(lambda data: members.add(actor=reader, ref=key, role=data["role"], user_id=data["user"]))
    if member is not None:
        messages.success(
            request, gettext("%(name)s added to %(name2)s.") % {"name": member.user.name, "name2": project.name}
        )
        return redirect("project-detail", key=project.key)
    return render_page(
        request, "tasks/project_detail.html", project_context(request, reader, project, form), status=form_status(form)
    )


@login_required
@require_POST
@show_rules_in_place
def update_member(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("role", gettext("There is no such role."))
    members.update(actor=get_request_user(request), ref=key, role=form.cleaned_data["role"], user_id=user_id)
    messages.success(request, gettext("Role changed."))
    return redirect("project-detail", key=key)


@login_required
@require_POST
@show_rules_in_place
def remove_member(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    reader = get_request_user(request)
    members.remove(actor=reader, ref=key, user_id=user_id, now=current_time())
    messages.success(request, gettext("Member removed from the project."))
    # A user who leaves a project may no longer see its page.
    return redirect("project-list") if user_id == reader.pk else redirect("project-detail", key=key)
