"""Pages of projects: list, detail with tasks and members, create, edit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Conflict, Invalid, VersionConflict
from core.etags import merge_changes
from core.forms import changed_values, expected_version, form_status, initial_values
from core.htmx import form_data, render_page
from tasks import policies
from tasks.bulk import deletions
from tasks.items.pages import task_list_context
from tasks.members import selectors as members_selectors
from tasks.members.forms import MemberForm, ProjectTeamForm, RoleForm
from tasks.models import Project
from tasks.projects import selectors, services
from tasks.projects.forms import ProjectForm, ProjectUpdateForm
from tasks.undo.tokens import add_undo_message


@login_required
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    """List the projects that the user sees, favourites first, the archived ones last."""
    projects = selectors.list_favourites_first(get_request_user(request))
    # A bound for the page, not a feature: nobody looks through more.
    return render_page(request, "tasks/project_list.html", {"projects": selectors.in_tree_order(projects[:500])})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    """Create a project; a taken key is an error of the form."""
    reader = get_request_user(request)
    visible = Project.objects.visible_to(reader).filter(is_inbox=False).order_by("name")[:500]
    initial = {name: request.GET.get(name, "") for name in ("template", "parent")}
    parents = selectors.possible_parents(reader)
    form = ProjectForm(form_data(request), projects=visible, parents=parents, initial=initial)
    project = form.submit(lambda data: services.create(actor=reader, **data))
    if project is not None:
        messages.success(request, gettext("%(name)s created. Add the people who work in it.") % {"name": project.name})
        return redirect("project-detail", key=project.key)
    return render_page(request, "tasks/project_form.html", {"form": form}, status=form_status(form))


@login_required
@require_safe
def project_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show a project with its tasks and members; htmx gets the table of tasks alone."""
    reader = get_request_user(request)
    project = selectors.get_project(reader, key)
    fragments = {"results": "tasks/_task_table.html"}
    return render_page(
        request, "tasks/project_detail.html", project_context(request, reader, project), fragments=fragments
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_project(request: HttpRequest, key: str) -> HttpResponse:
    """Move a project with its tasks to the trash, after confirmation on its own page."""
    reader = get_request_user(request)
    project = selectors.get_project(reader, key)
    if request.method == "POST":
        if job := deletions.delete_project(actor=reader, ref=str(project.pk), now=current_time()):
            return redirect("bulk-job", job.pk)
        add_undo_message(request, gettext("%(name)s moved to the trash.") % {"name": project.name})
        return redirect("project-list")
    # Only for the page: the service checks again, under the lock.
    policies.require_manager(selectors.project_role(reader, project))
    return render_page(
        request,
        "tasks/project_confirm_delete.html",
        {"project": project, "retention_days": settings.TRASH_RETENTION.days},
    )


def project_context(
    request: HttpRequest, reader: User, project: Project, member_form: MemberForm | None = None
) -> dict[str, Any]:
    role = selectors.project_role(reader, project)
    members = list(members_selectors.list_members(project).order_by("user__name", "user_id"))
    by_teams = members_selectors.team_roles_by_user(project)
    for member in members:
        member.role_sources = members_selectors.team_role_sources(by_teams.get(member.user_id, ()))
    can_manage = policies.can_manage(role)
    return {
        **task_list_context(request, reader, project),
        "project": project,
        "ancestors": selectors.visible_ancestors(reader, project),
        "members": members,
        "roles": RoleForm.base_fields["role"].choices,
        "member_form": member_form or (build_member_form(members) if can_manage and not project.is_inbox else None),
        "teams": [] if project.is_inbox else members_selectors.list_project_teams(project).order_by("team__name"),
        "team_form": ProjectTeamForm(teams=members_selectors.addable_teams(reader, project)[:500])
        if can_manage
        else None,
        "can_manage": can_manage,
        "can_edit": policies.can_edit(role) and project.archived_at is None,
    }


def build_member_form(members: list[Any], data: Any = None) -> MemberForm:
    return MemberForm(data, people=members_selectors.users_to_add(members))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_project(request: HttpRequest, key: str) -> HttpResponse:
    """Save the name and description of a project, or archive or restore it."""
    reader = get_request_user(request)
    project = selectors.get_project(reader, key)
    policies.require_manager(selectors.project_role(reader, project))
    initial = {name: getattr(project, name) for name in ("name", "description", "wip_policy")}
    initial["parent"] = project.parent.key if project.parent and project.parent_is_visible else ""
    parents = selectors.possible_parents(reader, project)
    form = ProjectUpdateForm(form_data(request), initial=initial, parents=parents)
    if request.method == "POST" and request.POST.get("archive"):
        services.archive(actor=reader, ref=key, now=current_time(), archived=request.POST["archive"] == "yes")
        return redirect("project-detail", key=project.key)
    if request.method == "POST" and form.is_valid():
        try:
            changes, now = changed_values(form), current_time()
            merge_changes(
                lambda versions: services.update(actor=reader, ref=key, changes=changes, now=now, versions=versions),
                expected_version(request),
                initial_values(form),
            )
        except (Invalid, Conflict) as error:
            form.add_domain_error(error)
            context = {"form": form, "project": project}
            return render_page(request, "tasks/project_form.html", context, status=form_status(form))
        except VersionConflict:
            form.add_error(
                None, gettext("The project has changed since you opened this page. Save again to keep your version.")
            )
            # With the present version, so that saving again overwrites it knowingly.
            context = {"form": form, "project": selectors.get_project(reader, key)}
            return render_page(request, "tasks/project_form.html", context, status=409)
        messages.success(request, gettext("Project saved."))
        return redirect("project-detail", key=project.key)
    return render_page(request, "tasks/project_form.html", {"form": form, "project": project}, status=form_status(form))
