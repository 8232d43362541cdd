"""The truth table of roles, without a database."""

from __future__ import annotations

import pytest

from accounts.models import User
from tasks import policies
from tasks.models import Project, Role


@pytest.mark.parametrize(
    ("role", "comment", "edit", "manage"),
    [
        (None, False, False, False),
        (Role.VIEWER, False, False, False),
        (Role.COMMENTER, True, False, False),
        (Role.EDITOR, True, True, False),
        (Role.ADMIN, True, True, True),
    ],
)
def test_roles_include_permissions_of_lower_roles(role, comment, edit, manage):
    assert (policies.can_comment(role), policies.can_edit(role), policies.can_manage(role)) == (comment, edit, manage)


def test_highest_of_some_roles_is_found():
    assert policies.highest() is None
    assert policies.highest(None, "viewer", "editor", "commenter") == Role.EDITOR


@pytest.mark.parametrize(
    ("who", "role", "may"),
    [
        ("user", None, False),
        ("user", Role.EDITOR, False),
        ("user", Role.ADMIN, True),
        ("staff", Role.VIEWER, True),
        ("staff", None, False),  # in the inbox of another user
        ("admin", Role.ADMIN, True),
    ],
)
def test_managers_may_explain_access_of_others(who, role, may):
    assert policies.can_explain_others(User(role=who), role) is may


@pytest.mark.parametrize(
    ("who", "inbox", "membership", "role"),
    [
        ("user", False, None, None),
        ("user", False, "editor", Role.EDITOR),
        ("user", True, "admin", Role.ADMIN),
        ("staff", False, None, Role.VIEWER),
        ("staff", False, "editor", Role.EDITOR),
        ("staff", True, None, None),
        ("admin", False, None, Role.ADMIN),
        ("admin", False, "viewer", Role.ADMIN),
        ("admin", True, None, None),
    ],
)
def test_site_role_raises_project_role_but_opens_no_inbox(who, inbox, membership, role):
    assert policies.effective_role(User(role=who), Project(is_inbox=inbox), membership) == role
