"""Which projects a request concerns, for an API key that is limited to some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.api_keys.scopes import ProjectScopeResolver, strip_version
from accounts.models import User
from tasks.items import selectors as items_selectors
from tasks.models import Project, Task
from tasks.projects import selectors as projects_selectors
from tasks.projects.selectors import NIL_UUID

TASK_ROUTE = "/tasks/<str:ref>/"
# The doors that narrow what they read by `project` in the query, and those that write where `project` in the body says.
# Anywhere else the word changes nothing, so it opens nothing.
PROJECT_QUERY_ROUTES = frozenset({"tasks/", "tasks/stats/", "labels/", "analytics/overview/", "analytics/daily/"})
PROJECT_BODY_ROUTES = frozenset({"tasks/", "labels/"})


def projects_in_request(reader: User, request: HttpRequest, body: Any) -> Collection[UUID] | None:
    """The projects that the request names where its door looks; None when none is named, so it may be any."""
    resolve_refs = [projects_selectors.resolve_project_id(reader, one) for one in _project_refs(request, body)]
    match = request.resolver_match
    kwargs = match.kwargs if match else {}
    if "label_id" in kwargs:
        resolve_refs.append(projects_selectors.get_label(reader, kwargs["label_id"]).project_id)
    elif "ref" in kwargs and match and TASK_ROUTE in f"/{match.route}":
        resolve_refs.append(_project_id_of_task(reader, kwargs["ref"]))
    elif "ref" in kwargs:
        resolve_refs.append(projects_selectors.resolve_project_id(reader, kwargs["ref"]))
    return resolve_refs or None


def _project_id_of_task(reader: User, ref: str) -> UUID:
    """The project of a task, or none that there is."""
    visible = Task.objects.visible_to(reader).by_ref(items_selectors.parse_ref(ref))
    return visible.values_list("project_id", flat=True).first() or NIL_UUID


def _project_refs(request: HttpRequest, body: Any) -> list[str]:
    door = strip_version(request.resolver_match.route) if request.resolver_match else ""
    if request.method in {"GET", "HEAD"} and door in PROJECT_QUERY_ROUTES:
        return request.GET.getlist("project")
    if request.method == "POST" and door in PROJECT_BODY_ROUTES and isinstance(body, dict):
        return [str(body["project"])] if body.get("project") is not None else []
    return []


def resolve_refs(reader: User, refs: Iterable[str]) -> Mapping[str, UUID]:
    found = {ref: projects_selectors.resolve_project_id(reader, ref) for ref in refs}
    return {ref: key for ref, key in found.items() if key != NIL_UUID}


def project_choices(reader: User) -> Mapping[UUID, str]:
    projects = Project.objects.visible_to(reader).current().order_by("is_inbox", "name")
    return {one.pk: f"{one.name} ({one.key})" for one in projects}


RESOLVER = ProjectScopeResolver(
    projects_in_request=projects_in_request, resolve_refs=resolve_refs, choices=project_choices
)
