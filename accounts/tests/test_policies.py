"""The truth tables of accounts.policies, without a database."""

from __future__ import annotations

from uuid import UUID

import pytest

from accounts import policies
from accounts.models import Invitation, TeamMember, User
from core.errors import NotAllowed

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
def test_a_team_is_led_by_its_leads_and_by_administrators(role, membership, may):
    found = TeamMember(role=membership) if membership else None

    assert policies.can_lead_team(user(role), found) is may


@pytest.mark.parametrize(("role", "may"), [("user", False), ("staff", True), ("admin", True)])
def test_staff_and_administrators_invite_and_see_the_directory(role, may):
    assert (policies.can_invite(user(role)), policies.can_see_directory(user(role))) == (may, may)


@pytest.mark.parametrize(
    ("role", "inviter", "may"),
    [("user", ME, True), ("user", OTHER, False), ("staff", OTHER, False), ("admin", OTHER, True)],
)
def test_who_invited_and_administrators_withdraw(role, inviter, may):
    assert policies.can_revoke_invitation(user(role), Invitation(inviter_id=inviter)) is may


@pytest.mark.parametrize(
    ("role", "active", "may"),
    [("user", True, False), ("staff", True, False), ("admin", True, True), ("admin", False, False)],
)
def test_an_administrator_who_is_active_manages_people(role, active, may):
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
def test_keys_are_made_for_oneself_and_by_administrators_for_programs(role, owner, kind, may):
    assert policies.can_manage_keys(user(role), user(pk=owner, kind=kind)) is may


def test_what_is_allowed_is_not_refused():
    policies.require(True, "never said")

    with pytest.raises(NotAllowed, match="said"):
        policies.require(False, "said")
