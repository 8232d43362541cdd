"""Declarations of what an endpoint may do. They stand on the view and nowhere else.

An API view declares by class attributes, which have the names of the fields of `Endpoint`; a page view by the decorator
`endpoint(...)`. The route table (core.api.routes) collects them for the gateway, for nginx and for the checks of
authentication, so none of these holds a list of paths.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache, wraps
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest
from rest_framework.request import Request

API_PREFIX = "/api/"
V = TypeVar("V", bound=Callable[..., Any])
# From a user and a request: the ids of the projects that the request names, or None when it names none and so may
# concern every project that the user sees.
ProjectSource = Callable[[Any, Request], Collection[UUID] | None]


class BodyLimit(StrEnum):
    """Size limits for request bodies; the value is the name of the setting, in bytes."""

    JSON = "MAX_BODY_BYTES"
    UPLOAD = "MAX_UPLOAD_BYTES"
    # Spooled to the disk, not read into memory.
    ATTACHMENT = "MAX_ATTACHMENT_BODY_BYTES"


def all_projects(user: Any, request: Request) -> None:
    """Project source of an endpoint that covers all projects of the user; closed to project-limited API keys."""


def no_projects(user: Any, request: Request) -> Collection[UUID]:
    """Project source of an endpoint that holds nothing of any project; open to project-limited API keys."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The declarations of one view. Methods are in upper case; GET stands for HEAD too."""

    # API keys. The scope by method; a method that is missing or has None is closed to keys. None closes all methods.
    api_key_scope: Mapping[str, str | None] | None = None
    # How a request names projects: one source for all methods, or a source by method.
    project_from: ProjectSource | Mapping[str, ProjectSource] | None = None
    # Caching of GET in the gateway: the response depends on the caller, the rows and the URL alone.
    cacheable: bool = False
    cache_for_one_minute: bool = False
    uncacheable_params: Collection[str] = ()
    # Requests.
    rate_limit: bool = False
    max_body_size: BodyLimit = BodyLimit.UPLOAD
    idempotent: bool = True
    # No limit of pages counts it: monitoring asks often, and needs neither session nor Redis.
    is_monitoring: bool = False
    # Sign-in and what it protects.
    pad_response_time: Collection[str] = ()
    hashes_password: Collection[str] = ()
    brute_force_limit: Collection[str] = ()
    requires_recent_login: Collection[str] = ()
    checks_password_itself: bool = False
    mfa_exempt: bool | Collection[str] | Callable[[HttpRequest], bool] = False
    # The gateway answers it itself: whether the process lives must not depend on a free thread.
    is_liveness: bool = False
    # nginx only: the query holds a secret that no log may show; a read may take longer than a quick one.
    secret_in_url: bool = False
    long_running: bool = False
    # The names that were set rather than left at their defaults.
    declared: frozenset[str] = field(default=frozenset(), compare=False)

    def scope_for(self, method: str) -> str | None:
        """Return the scope that an API key needs for this method; None where no key will do."""
        scopes = self.api_key_scope or {}
        if method == "OPTIONS":
            return next(iter(scopes.values()), None)
        return scopes.get("GET" if method == "HEAD" else method)

    def project_source_for(self, method: str) -> ProjectSource:
        """Return how requests with this method name projects."""
        if isinstance(self.project_from, Mapping):
            return self.project_from.get("GET" if method == "HEAD" else method, all_projects)
        return self.project_from or all_projects

    def needs_recent_login(self, method: str) -> bool:
        return ("GET" if method == "HEAD" else method) in self.requires_recent_login

    def is_mfa_exempt(self, request: HttpRequest) -> bool:
        """Return whether a user who still has to set up MFA may send this request."""
        if callable(self.mfa_exempt):
            return self.mfa_exempt(request)
        if isinstance(self.mfa_exempt, bool):
            return self.mfa_exempt
        return ("GET" if request.method == "HEAD" else request.method) in self.mfa_exempt


UNDECLARED = Endpoint()
_NAMES = frozenset(item.name for item in fields(Endpoint)) - {"declared"}


def endpoint(**declarations: Any) -> Callable[[V], V]:
    """Decorate a function view, or the result of `as_view()`, with its declarations: the fields of `Endpoint`."""
    # DRF's permission class reads it from the view, and pages ask for themselves: here it would have no effect.
    if "requires_recent_login" in declarations:
        raise TypeError("Declare requires_recent_login on the class of an API view.")
    declared = Endpoint(**declarations, declared=frozenset(declarations))

    def decorate(view: V) -> V:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        wrapper.endpoint = declared
        return wrapper  # type: ignore[return-value]  # the same call, with an attribute

    return decorate


@cache
def endpoint_of(view: Callable[..., Any]) -> Endpoint:
    """Return what this view, as the URL resolver has it, declares."""
    declared: Endpoint | None = getattr(view, "endpoint", None)
    if declared is not None:
        return declared
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if view_class is None:
        return UNDECLARED
    declarations = {name: getattr(view_class, name) for name in _NAMES if hasattr(view_class, name)}
    return Endpoint(**declarations, declared=frozenset(declarations))


def endpoint_of_request(request: HttpRequest) -> Endpoint:
    """Return what the view of a resolved request declares."""
    match = request.resolver_match
    return endpoint_of(match.func) if match else UNDECLARED
