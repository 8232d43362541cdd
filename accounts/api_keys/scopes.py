"""What an API key may be allowed: a resource of the API and a verb, like `tasks:read`.

Whatever is not named here is closed to every key: sessions, keys, passwords, and each door that is built later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from accounts.models import ApiKey, User
from core.errors import NotAllowed, NotFound

VERBS = {"read": "read", "write": "create and change", "delete": "delete"}
RESOURCES: dict[str, tuple[str, ...]] = {
    "tasks": ("read", "write", "delete"),
    "projects": ("read", "write", "delete"),
    "labels": ("read", "write", "delete"),
    "notifications": ("read", "write"),
    "analytics": ("read",),
    "teams": ("read",),
    "users": ("read",),
    "me": ("read",),
}
SCOPES = tuple(f"{resource}:{verb}" for resource, verbs in RESOURCES.items() for verb in verbs)
# Of people a key sees what the directory shows, and nothing that may be hung on to it later.
KEY_ACCESSIBLE_SUBPATHS = {"users": ("", "<uuid:user_id>/"), "me": ("",)}
# Who may come in at all is for people to say.
USER_ONLY_SUBPATH = "/invitations/"
PROJECTLESS_RESOURCES = {"users", "me"}
_VERSION = re.compile(r"^api/v[0-9]+/")


def required_scope(method: str, route: str) -> str | None:
    """Return the scope that an operation needs; None for one that is closed to keys."""
    resource, rest = _split_route(route)
    verb = {"GET": "read", "HEAD": "read", "OPTIONS": "read", "DELETE": "delete"}.get(method, "write")
    if (
        verb not in RESOURCES.get(resource, ())
        or rest not in KEY_ACCESSIBLE_SUBPATHS.get(resource, (rest,))
        or USER_ONLY_SUBPATH in route
    ):
        return None
    return f"{resource}:{verb}"


def _split_route(route: str) -> tuple[str, str]:
    """Return the resource that a route begins with, and what follows."""
    resource, _, rest = strip_version(route).partition("/")
    return resource, rest


def strip_version(route: str) -> str:
    """Return a route without the version it begins with."""
    return _VERSION.sub("", route)


@dataclass(frozen=True, slots=True)
class ProjectScopeResolver:
    """What the app that has projects tells about them.

    `touched` names the projects that a request concerns, None where it is whatever the person sees; it is told the
    person, the request and its body. `named` finds visible projects by id or key, `choices` are all of them.
    """

    projects_in_request: Callable[[User, HttpRequest, Any], Collection[UUID] | None]
    resolve_refs: Callable[[User, Iterable[str]], Mapping[str, UUID]]
    choices: Callable[[User], Mapping[UUID, str]]


@lru_cache(maxsize=1)
def get_resolver() -> ProjectScopeResolver:
    found: ProjectScopeResolver = import_string(settings.API_KEY_PROJECT_RESOLVER)
    return found


def require_scope(key: ApiKey, request: HttpRequest) -> None:
    match = request.resolver_match
    scope = required_scope(request.method or "", match.route if match else "")
    if scope is None:
        raise NotAllowed("No API key may do this; sign in instead.", code="not_for_keys")
    if scope not in key.scopes:
        raise NotAllowed(f"This key lacks the scope {scope}.", code="scope_missing")


def require_projects(key: ApiKey, request: HttpRequest, body: Callable[[], Any]) -> None:
    """Let a key that is limited to projects no further; what lies beyond them is as if it did not exist."""
    match = request.resolver_match
    if not key.projects or (match and _split_route(match.route)[0] in PROJECTLESS_RESOURCES):
        return
    projects_in_request = get_resolver().projects_in_request(key.owner, request, body())
    if projects_in_request is None:
        raise NotAllowed("This key is for some projects only: name one of them.", code="project_required")
    if not set(projects_in_request) <= set(key.projects):
        raise NotFound("There is no such thing in the projects of this key.")
