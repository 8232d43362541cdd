"""nginx's snippets, generated from the route table."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import path

from core.api.endpoints import BodyLimit, endpoint
from core.api.routes import RouteTable, get_route_table, walk_routes
from core.http.nginx_routes import render_snippets


def view(request):
    raise AssertionError("never called")


def snippets(*patterns):
    return render_snippets(RouteTable(walk_routes(patterns)))


def test_declarations_become_maps_and_locations():
    files = snippets(
        path("login/", endpoint(brute_force_limit={"POST"}, secret_in_url=True)(view)),
        path("api/v1/notes/<str:ref>/", endpoint(cacheable=True, uncacheable_params={"late"})(view)),
        path("api/v1/notes.zip", endpoint(long_running=True)(view)),
        path("api/v1/files/<uuid:id>/", endpoint(max_body_size=BodyLimit.UPLOAD)(view)),
        path("pages/", view),
    )

    for line in (
        r'"~^(POST) /login/$" 1;',
        r'"~^GET /api/v1/notes/[^/?]+/(\?|$)" 1;',
        r'"~late" 1;',
        r'"~^(GET|HEAD) /api/v1/notes\.zip$" 1;',
    ):
        assert f"    {line}\n" in files["http_routes.conf"]
    for line in (r'location ~ "^(/api/v1/files/[^/?]+/)$" {', r'location ~ "^(/login/)$" {'):
        assert line in files["server_routes.conf"]
    assert "pages" not in "".join(files.values())


def test_cacheable_requests_are_never_shed_by_nginx():
    """nginx sees the encoded URL with its query, the gateway the decoded path."""
    text = render_snippets(get_route_table())["http_routes.conf"]
    block = text[text.index("$is_cacheable") : text.index("$has_uncacheable_param")]
    patterns = re.findall(r'"~(.*)" 1;', block)

    for request in (
        "GET /api/v1/me/",
        "GET /api/v1/tasks/?limit=5",
        "GET /api/v1/tasks/OPS-1/",
        "GET /api/v1/tasks/a%20b/?",
    ):
        assert any(re.search(pattern, request) for pattern in patterns), request
    for request in ("POST /api/v1/tasks/", "GET /api/v1/tasks/OPS-1/comments/", "GET /x/api/v1/me/"):
        assert not any(re.search(pattern, request) for pattern in patterns), request


def test_snippets_in_the_repository_are_current():
    call_command("nginx_routes", check=True)


def test_check_fails_on_an_outdated_snippet(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "nginx/snippets").mkdir(parents=True)

    with pytest.raises(CommandError, match="Out of date: http_routes"):
        call_command("nginx_routes", check=True)
    call_command("nginx_routes")

    call_command("nginx_routes", check=True)
