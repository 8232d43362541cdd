"""The route table: every route of the URL configuration with the declarations of its view.

It is built once from Django's URL resolver, so a path is written down in `urls.py` alone. Building it fails when a view
of the API lacks a declaration that must not be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from core.api.endpoints import API_PREFIX, BodyLimit, Endpoint, endpoint_of

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_CACHED_PATHS = 8192


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `template` reads `/api/v1/tasks/{ref}/`, and `regex` matches the decoded path as Django does."""

    template: str
    regex: str
    view: Callable[..., Any]
    endpoint: Endpoint

    @property
    def is_api(self) -> bool:
        return self.template.startswith(API_PREFIX)


# What holds for a path that no route matches, and that Django answers with 404.
NOT_FOUND = Endpoint()
NOT_FOUND_IN_API = Endpoint(rate_limit=True, max_body_size=BodyLimit.JSON)


class RouteTable:
    """Finds the declarations for a path. The first route that matches decides, as in Django."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self.by_template: dict[str, Route] = {}
        for route in self.routes:
            self.by_template.setdefault(route.template, route)
        self._regex = re.compile("|".join(f"({route.regex})" for route in self.routes))
        self.route_for = lru_cache(maxsize=MAX_CACHED_PATHS)(self._route_for)

    def _route_for(self, path: str) -> Route | None:
        match = self._regex.fullmatch(path)
        return None if match is None or match.lastindex is None else self.routes[match.lastindex - 1]

    def endpoint_for(self, path: str) -> Endpoint:
        route = self.route_for(path)
        if route is not None:
            return route.endpoint
        return NOT_FOUND_IN_API if path.startswith(API_PREFIX) else NOT_FOUND

    def with_declaration(self, name: str) -> list[Route]:
        """Return the routes whose declaration of this name is set and not empty."""
        return [route for route in self.by_template.values() if getattr(route.endpoint, name)]


def get_route_table() -> RouteTable:
    """Return the table of the present URL configuration; raises ImproperlyConfigured when a declaration is missing."""
    return _build_table(settings.ROOT_URLCONF)


@lru_cache(maxsize=8)
def _build_table(urlconf: str) -> RouteTable:
    routes = list(walk_routes(get_resolver(urlconf).url_patterns))
    if errors := missing_declarations(routes):
        raise ImproperlyConfigured("\n".join(errors))
    return RouteTable(routes)


def walk_routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "/", regex: str = "/") -> Iterator[Route]:
    """Yield the routes written with `path()`. Those of other kinds (the admin's catch-all) declare nothing."""
    for pattern in patterns:
        if not isinstance(pattern.pattern, RoutePattern):
            continue
        template = prefix + _PARAMETER.sub(r"{\1}", str(pattern.pattern))
        # The same route as a regular expression. It has no groups, because the table puts all routes into one expression
        # and finds the matching one by the number of its group.
        parts, end = [regex], 0
        route = str(pattern.pattern)
        for parameter in _PARAMETER.finditer(route):
            converter = pattern.pattern.converters[parameter[1]]
            parts += [re.escape(route[end : parameter.start()]), f"(?:{converter.regex})"]
            end = parameter.end()
        full_regex = "".join([*parts, re.escape(route[end:])])
        if isinstance(pattern, URLResolver):
            yield from walk_routes(pattern.url_patterns, template, full_regex)
        else:
            yield Route(template, full_regex, pattern.callback, endpoint_of(pattern.callback))


def missing_declarations(routes: Iterable[Route]) -> list[str]:
    """Return a message for each API view that lacks a declaration: for a method its scope, and where projects are named."""
    messages: dict[str, None] = {}
    for route in routes:
        if route.is_api:
            view = getattr(route.view, "view_class", route.view)
            name = f"{view.__module__}.{view.__qualname__}"
            messages |= dict.fromkeys(f"{name} ({route.template}): {text}" for text in _missing(route))
    return list(messages)


def _missing(route: Route) -> Iterator[str]:
    view_class = getattr(route.view, "view_class", None)
    if view_class is None or "endpoint" in vars(route.view):
        if not route.endpoint.declared:
            yield "declare what the view may do with core.api.endpoints.endpoint(...)."
        return
    if "api_key_scope" not in route.endpoint.declared:
        yield "declare api_key_scope: a scope or None for each method, or None for all."
    elif route.endpoint.api_key_scope is not None:
        handled = {method for method in METHODS if hasattr(view_class, method.lower())}
        if undeclared := handled - route.endpoint.api_key_scope.keys():
            yield f"declare api_key_scope for {', '.join(sorted(undeclared))}."
        if any(route.endpoint.api_key_scope.values()) and "project_from" not in route.endpoint.declared:
            yield "declare project_from: how a request names its projects."


def check_declarations(**_: Any) -> list[CheckMessage]:
    """Django system check: every API view has its required declarations."""
    routes = walk_routes(get_resolver(settings.ROOT_URLCONF).url_patterns)
    return [Error(message, id="core.E001") for message in missing_declarations(routes)]
