"""Scopes of API keys: a resource of the API and a verb, like `tasks:read`.

Each endpoint declares the scope it needs (core.api.endpoints); one that declares none is closed to every key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.request import Request

from accounts.models import ApiKey, User
from core.api.endpoints import endpoint_of_request
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


@dataclass(frozen=True, slots=True)
class ProjectScopeResolver:
    """Lookups that the app with projects provides (setting API_KEY_PROJECT_RESOLVER).

    `resolve_refs` returns the ids of the visible projects among these ids and keys; `choices` the names of all.
    """

    resolve_refs: Callable[[User, Iterable[str]], Mapping[str, UUID]]
    choices: Callable[[User], Mapping[UUID, str]]


@lru_cache(maxsize=1)
def get_resolver() -> ProjectScopeResolver:
    resolver: ProjectScopeResolver = import_string(settings.API_KEY_PROJECT_RESOLVER)
    return resolver


def require_scope(key: ApiKey, request: Request) -> None:
    """Check that the key has the scope which the endpoint declares (`api_key_scope`). Raises NotAllowed."""
    scope = endpoint_of_request(request._request).scope_for(request.method or "")
    if scope is None:
        raise NotAllowed("API keys cannot do this. Sign in instead.", code="not_for_keys")
    if scope not in key.scopes:
        raise NotAllowed(f"This key lacks the scope {scope}.", code="scope_missing")


def require_projects(key: ApiKey, request: Request) -> None:
    """Check that a project-limited key stays within its projects. Raises NotAllowed, NotFound.

    The endpoint declares how a request names projects (`project_from`). What lies beyond the key's projects looks as if
    it did not exist.
    """
    if not key.projects:
        return
    project_source = endpoint_of_request(request._request).project_source_for(request.method or "")
    project_ids = project_source(key.owner, request)
    if project_ids is None:
        raise NotAllowed("This key is limited to some projects. Name one of them.", code="project_required")
    if not set(project_ids) <= set(key.projects):
        raise NotFound("Not found in the projects of this key.")
