"""Which projects a request concerns, for an API key that is limited to some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.models import User
from accounts.scopes import Places
from tasks import selectors
from tasks.models import Project, Task
from tasks.selectors.projects import NOWHERE, project_id_or_nowhere

OF_A_TASK = "/tasks/<str:ref>/"


def touched(reader: User, request: HttpRequest, body: Any) -> Collection[UUID] | None:
    """The projects that the path, the query and the body name; None when none is named, so it may be any."""
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
    sent = body.get("project") if isinstance(body, dict) else None
    return [*request.GET.getlist("project"), *([str(sent)] if sent is not None else [])]


def named(reader: User, refs: Iterable[str]) -> Mapping[str, UUID]:
    found = {ref: project_id_or_nowhere(reader, ref) for ref in refs}
    return {ref: key for ref, key in found.items() if key != NOWHERE}


def choices(reader: User) -> Mapping[UUID, str]:
    projects = Project.objects.visible_to(reader).current().order_by("is_inbox", "name")
    return {one.pk: f"{one.name} ({one.key})" for one in projects}


PLACES = Places(touched=touched, named=named, choices=choices)
