"""Which scope an operation needs, and what no key may do."""

from __future__ import annotations

import pytest

from accounts.api_keys.scopes import SCOPES, required_scope, strip_version


def test_these_are_the_scopes_and_no_others():
    assert SCOPES == (
        "tasks:read",
        "tasks:write",
        "tasks:delete",
        "projects:read",
        "projects:write",
        "projects:delete",
        "labels:read",
        "labels:write",
        "labels:delete",
        "notifications:read",
        "notifications:write",
        "analytics:read",
        "teams:read",
        "users:read",
        "me:read",
    )


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("GET", "tasks:read"),
        ("HEAD", "tasks:read"),
        ("OPTIONS", "tasks:read"),
        ("DELETE", "tasks:delete"),
        ("POST", "tasks:write"),
        ("PATCH", "tasks:write"),
        ("PUT", "tasks:write"),
        ("BREW", "tasks:write"),
        ("get", "tasks:write"),
        ("", "tasks:write"),
    ],
)
def test_a_method_needs_the_scope_of_its_verb(method, scope):
    assert required_scope(method, "api/v1/tasks/<str:ref>/") == scope


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "api/v1/users/"),
        ("GET", "api/v1/users/<uuid:user_id>/"),
        ("GET", "api/v1/me/"),
        ("GET", "api/v1/teams/<uuid:team_id>/members/"),
        ("GET", "api/v12/analytics/summary/"),
        ("GET", "labels/"),
    ],
)
def test_what_a_key_may_read_in_any_version_of_the_api(method, route):
    assert required_scope(method, route) == f"{strip_version(route).partition('/')[0]}:read"


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("POST", "api/v1/me/"),
        ("PATCH", "api/v1/me/"),
        ("GET", "api/v1/me/api-keys/"),
        ("GET", "api/v1/me/sessions/"),
        ("GET", "api/v1/users/<uuid:user_id>/avatar/"),
        ("DELETE", "api/v1/notifications/<uuid:id>/"),
        ("POST", "api/v1/teams/"),
        ("POST", "api/v1/analytics/"),
        ("GET", "api/v1/invitations/"),
        ("POST", "api/v1/projects/<str:ref>/invitations/"),
        ("GET", "api/v1/projects/<str:ref>/invitations/<uuid:id>/"),
        ("GET", "api/v1/directory/"),
        ("GET", "api/v1/auth/login/"),
        ("GET", "api/vx/tasks/"),
        ("GET", "x/api/v1/tasks/"),
        ("GET", ""),
    ],
)
def test_the_rest_is_closed_to_every_key(method, route):
    assert required_scope(method, route) is None
