"""Projects: the list, one project with its tasks and members, making and changing them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import person_of
from accounts.models import User
from core.errors import Conflict, Invalid, Stale
from core.forms import status_of
from core.htmx import page, posted
from tasks import policies, selectors, services
from tasks.forms import EditProjectForm, MemberForm, ProjectForm, RoleForm, TeamForm
from tasks.models import Project
from tasks.selectors import pages
from tasks.views.listing import listing
from tasks.views.shared import version_in


@login_required
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    projects = selectors.list_projects(person_of(request)).order_by("archived_at", "is_inbox", "name")
    return page(request, "tasks/projects.html", {"projects": list(projects[:500])})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    form = ProjectForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            project = services.create_project(actor=person_of(request), **form.cleaned_data)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, f"{project.name} is created. Add the people who work in it.")
            return redirect("project-page", key=project.key)
    return page(request, "tasks/project_form.html", {"form": form}, status=status_of(form))


@login_required
@require_safe
def project_page(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    project = selectors.get_project(reader, key)
    fragments = {"results": "tasks/_results.html"}
    return page(request, "tasks/project.html", _context(request, reader, project), fragments=fragments)


def _context(
    request: HttpRequest, reader: User, project: Project, member_form: MemberForm | None = None
) -> dict[str, Any]:
    role = selectors.role_in(reader, project)
    members = list(selectors.members(project).order_by("user__name", "user_id"))
    by_teams = selectors.given_by_teams(project)
    for member in members:
        member.ways = pages.team_ways(by_teams.get(member.user_id, ()))
    can_manage = policies.can_manage(role)
    return {
        **listing(request, reader, project),
        "project": project,
        "members": members,
        "roles": RoleForm.base_fields["role"].choices,
        "member_form": member_form or (_member_form(members) if can_manage and not project.is_inbox else None),
        "teams": [] if project.is_inbox else selectors.project_teams(project).order_by("team__name"),
        "team_form": TeamForm(teams=selectors.teams_to_add(reader, project)[:500]) if can_manage else None,
        "can_manage": can_manage,
        "can_edit": policies.can_edit(role) and project.archived_at is None,
    }


def _member_form(members: list[Any], data: Any = None) -> MemberForm:
    return MemberForm(data, people=pages.people_to_add(members))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_project(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    project = selectors.get_project(reader, key)
    policies.require(
        policies.can_manage(selectors.role_in(reader, project)), "Only an admin of the project may do this."
    )
    initial = {"name": project.name, "description": project.description}
    form = EditProjectForm(posted(request), initial=initial)
    if request.method == "POST" and request.POST.get("archive"):
        services.archive_project(actor=reader, ref=key, now=timezone.now(), archived=request.POST["archive"] == "yes")
        return redirect("project-page", key=project.key)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_project(
                actor=reader, ref=key, changes=form.cleaned_data, now=timezone.now(), versions=version_in(request)
            )
        except Stale:
            form.add_error(
                None, "Somebody else changed the project since you opened this page. Save again to keep yours."
            )
            context = {"form": form, "project": selectors.get_project(reader, key)}
            return page(request, "tasks/project_form.html", context, status=409)
        messages.success(request, "The project is saved.")
        return redirect("project-page", key=project.key)
    return page(request, "tasks/project_form.html", {"form": form, "project": project}, status=status_of(form))


@login_required
@require_POST
def add_member(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    project = selectors.get_project(reader, key)
    form = _member_form([], request.POST)
    if form.is_valid():
        try:
            member = services.add_member(
                actor=reader, ref=key, role=form.cleaned_data["role"], user_id=form.cleaned_data["user"]
            )
        except (Invalid, Conflict) as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, f"{member.user.name} is in {project.name} now.")
            return redirect("project-page", key=project.key)
    return page(request, "tasks/project.html", _context(request, reader, project, form), status=status_of(form))


@login_required
@require_POST
def change_member(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("role", "There is no such role.")
    services.change_member(actor=person_of(request), ref=key, role=form.cleaned_data["role"], user_id=user_id)
    messages.success(request, "The role is changed.")
    return redirect("project-page", key=key)


@login_required
@require_POST
def remove_member(request: HttpRequest, key: str, user_id: UUID) -> HttpResponse:
    reader = person_of(request)
    services.remove_member(actor=reader, ref=key, user_id=user_id, now=timezone.now())
    messages.success(request, "That person is no longer in the project.")
    return redirect("project-list") if user_id == reader.pk else redirect("project-page", key=key)
