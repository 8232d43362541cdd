"""Truth tables of accounts.policies, without a database."""

from __future__ import annotations

from uuid import UUID

import pytest

from accounts import policies
from accounts.models import Invitation, TeamMember, User
from core.errors import NotAllowed, require

ME, OTHER = UUID(int=1), UUID(int=2)


def user(role="user", pk=ME, **more):
    return User(pk=pk, role=role, **more)


@pytest.mark.parametrize(
    ("role", "membership", "may"),
    [
        ("user", None, False),
        ("user", "member", False),
        ("user", "lead", True),
        ("staff", None, False),
        ("staff", "member", False),
        ("admin", None, True),
        ("admin", "member", True),
    ],
)
def test_team_is_led_by_leads_and_administrators(role, membership, may):
    member = TeamMember(role=membership) if membership else None

    assert policies.can_lead_team(user(role), member) is may


@pytest.mark.parametrize(("role", "may"), [("user", False), ("staff", True), ("admin", True)])
def test_invite_and_directory_permissions_are_for_staff(role, may):
    assert (policies.can_invite(user(role)), policies.can_see_directory(user(role))) == (may, may)


@pytest.mark.parametrize(
    ("role", "inviter", "may"),
    [("user", ME, True), ("user", OTHER, False), ("staff", OTHER, False), ("admin", OTHER, True)],
)
def test_invitation_is_revoked_by_inviter_and_administrators(role, inviter, may):
    assert policies.can_revoke_invitation(user(role), Invitation(inviter_id=inviter)) is may


@pytest.mark.parametrize(
    ("role", "active", "may"),
    [("user", True, False), ("staff", True, False), ("admin", True, True), ("admin", False, False)],
)
def test_users_are_managed_by_active_administrators(role, active, may):
    actor = user(role, is_active=active)

    assert policies.can_manage_users(actor) is may
    if may:
        policies.require_manager(actor)
    else:
        with pytest.raises(NotAllowed):
            policies.require_manager(actor)


@pytest.mark.parametrize(
    ("role", "owner", "kind", "may"),
    [
        ("user", ME, "human", True),
        ("user", OTHER, "human", False),
        ("user", OTHER, "service", False),
        ("staff", OTHER, "service", False),
        ("admin", OTHER, "human", False),
        ("admin", OTHER, "service", True),
    ],
)
def test_key_permission_depends_on_owner_and_role(role, owner, kind, may):
    assert policies.can_manage_keys(user(role), user(pk=owner, kind=kind)) is may


def test_require_raises_only_when_not_allowed():
    require(True, "never said")

    with pytest.raises(NotAllowed, match="said"):
        require(False, "said")
