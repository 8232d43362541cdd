"""Which projects a request concerns, for an API key that is limited to some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.models import User
from accounts.scopes import Places, door_of
from tasks import selectors
from tasks.models import Project, Task
from tasks.selectors.projects import NOWHERE, project_id_or_nowhere

OF_A_TASK = "/tasks/<str:ref>/"
# The doors that narrow what they read by `project` in the query, and those that write where `project` in the body says.
# Anywhere else the word changes nothing, so it opens nothing.
BY_QUERY = frozenset({"tasks/", "tasks/stats/", "labels/", "analytics/overview/", "analytics/daily/"})
BY_BODY = frozenset({"tasks/", "labels/"})


def touched(reader: User, request: HttpRequest, body: Any) -> Collection[UUID] | None:
    """The projects that the request names where its door looks; None when none is named, so it may be any."""
    named = [project_id_or_nowhere(reader, one) for one in _words(request, body)]
    match = request.resolver_match
    kwargs = match.kwargs if match else {}
    if "label_id" in kwargs:
        named.append(selectors.get_label(reader, kwargs["label_id"]).project_id)
    elif "ref" in kwargs and match and OF_A_TASK in f"/{match.route}":
        named.append(_home_of(reader, kwargs["ref"]))
    elif "ref" in kwargs:
        named.append(project_id_or_nowhere(reader, kwargs["ref"]))
    return named or None


def _home_of(reader: User, ref: str) -> UUID:
    """The project of a task, or none that there is."""
    visible = Task.objects.visible_to(reader).at(selectors.parse_ref(ref))
    return visible.values_list("project_id", flat=True).first() or NOWHERE


def _words(request: HttpRequest, body: Any) -> list[str]:
    door = door_of(request.resolver_match.route) if request.resolver_match else ""
    if request.method in {"GET", "HEAD"} and door in BY_QUERY:
        return request.GET.getlist("project")
    if request.method == "POST" and door in BY_BODY and isinstance(body, dict):
        return [str(body["project"])] if body.get("project") is not None else []
    return []


def named(reader: User, refs: Iterable[str]) -> Mapping[str, UUID]:
    found = {ref: project_id_or_nowhere(reader, ref) for ref in refs}
    return {ref: key for ref, key in found.items() if key != NOWHERE}


def choices(reader: User) -> Mapping[UUID, str]:
    projects = Project.objects.visible_to(reader).current().order_by("is_inbox", "name")
    return {one.pk: f"{one.name} ({one.key})" for one in projects}


PLACES = Places(touched=touched, named=named, choices=choices)
