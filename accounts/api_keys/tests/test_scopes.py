"""Scopes of API keys. Which operation needs which is tried in tests/permissions/test_api_key_scopes.py."""

from __future__ import annotations

from accounts.api_keys.scopes import SCOPES


def test_scopes_are_complete():
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
