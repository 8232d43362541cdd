"""The route table: declarations found by path, and missing ones refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, re_path

from core.api.endpoints import BodyLimit, Endpoint, all_projects, endpoint, endpoint_of
from core.api.generics import ApiView
from core.api.routes import RouteTable, check_declarations, get_route_table, missing_declarations, walk_routes


class NoteView(ApiView):
    cacheable = True
    api_key_scope = {"GET": "notes:read", "DELETE": None}
    project_from = all_projects

    def get(self, request):
        return HttpResponse("a note")

    def delete(self, request):
        return HttpResponse(status=204)


class NoteWithoutScopeView(ApiView):
    def get(self, request):
        return HttpResponse("a note")


class NoteWithoutProjectsView(ApiView):
    api_key_scope = {"GET": "notes:read"}

    def get(self, request):
        return HttpResponse("a note")

    def post(self, request):
        return HttpResponse(status=201)


def plain_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


def table(*patterns):
    return RouteTable(walk_routes(patterns))


def test_table_finds_the_first_matching_route():
    stats = endpoint(cache_for_one_minute=True)(plain_view)
    routes = table(
        path("api/v1/notes/stats/", stats), path("api/v1/notes/<str:ref>/", NoteView.as_view()), path("x/", plain_view)
    )

    assert routes.endpoint_for("/api/v1/notes/stats/").cache_for_one_minute
    assert routes.endpoint_for("/api/v1/notes/OPS-1/").cacheable
    assert not routes.endpoint_for("/x/").cacheable


def test_table_matches_whole_paths_as_django_does():
    routes = table(path("api/v1/notes/<uuid:id>/", NoteView.as_view()))
    note = "/api/v1/notes/0198a9c2-7d63-7e1c-8a6e-5c1a4f1f3b11/"

    assert routes.endpoint_for(note).cacheable
    for other in (note + "x", note.rstrip("/"), note.upper(), note + "\n", "/api/v1/notes/1/", "/x" + note):
        assert not routes.endpoint_for(other).cacheable, other


def test_unknown_path_is_rate_limited_below_the_api_only():
    routes = table(path("x/", plain_view))

    assert routes.endpoint_for("/api/v1/nothing/").rate_limit
    assert not routes.endpoint_for("/nothing/").rate_limit


def test_class_view_declares_by_its_attributes():
    declared = endpoint_of(NoteView.as_view())

    assert (declared.cacheable, declared.rate_limit, declared.max_body_size) == (True, True, BodyLimit.JSON)
    assert [declared.scope_for(method) for method in ("GET", "HEAD", "OPTIONS", "DELETE", "PUT", "")] == [
        "notes:read",
        "notes:read",
        "notes:read",
        None,
        None,
        None,
    ]


def test_decorator_leaves_a_shared_view_undeclared():
    declared = endpoint(mfa_exempt=True)(plain_view)

    assert declared(RequestFactory().get("/")).content == b"plain"
    assert endpoint_of(declared).mfa_exempt
    assert endpoint_of(plain_view) == Endpoint()


def test_decorator_refuses_an_unknown_declaration():
    with pytest.raises(TypeError, match="cachable"):
        endpoint(cachable=True)


def test_decorator_refuses_the_recent_login_rule():
    # The permission class reads it from the class of an API view, so here it would protect nothing.
    with pytest.raises(TypeError, match="requires_recent_login"):
        endpoint(requires_recent_login={"POST"})


def test_mfa_exemption_may_depend_on_method_and_request():
    factory = RequestFactory()
    by_method = Endpoint(mfa_exempt={"GET"})
    by_request = Endpoint(mfa_exempt=lambda request: request.path == "/mine/")

    assert by_method.is_mfa_exempt(factory.get("/"))
    assert by_method.is_mfa_exempt(factory.head("/"))
    assert not by_method.is_mfa_exempt(factory.post("/"))
    assert by_request.is_mfa_exempt(factory.get("/mine/"))
    assert not by_request.is_mfa_exempt(factory.get("/theirs/"))
    assert not Endpoint().is_mfa_exempt(factory.get("/"))


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (NoteWithoutScopeView.as_view(), "NoteWithoutScopeView (/api/v1/notes/): declare api_key_scope"),
        (NoteWithoutProjectsView.as_view(), "NoteWithoutProjectsView (/api/v1/notes/): declare api_key_scope for POST"),
        (NoteWithoutProjectsView.as_view(), "NoteWithoutProjectsView (/api/v1/notes/): declare project_from"),
        (plain_view, "plain_view (/api/v1/notes/): declare what the view may do"),
    ],
)
def test_missing_declaration_names_view_and_declaration(view, message):
    errors = missing_declarations(walk_routes([path("api/v1/notes/", view)]))

    assert any(message in error for error in errors), errors


def test_pages_need_no_declaration():
    assert missing_declarations(walk_routes([path("notes/", plain_view), re_path("^api/.*$", plain_view)])) == []


class UrlsWithoutDeclarations:
    urlpatterns = [path("api/v1/notes/", NoteWithoutScopeView.as_view())]


def test_start_fails_on_a_missing_declaration(settings):
    settings.ROOT_URLCONF = UrlsWithoutDeclarations

    with pytest.raises(ImproperlyConfigured, match=r"NoteWithoutScopeView .*: declare api_key_scope"):
        get_route_table()
    assert [error.id for error in check_declarations()] == ["core.E001"]


def test_application_has_no_missing_declarations():
    assert check_declarations() == []
