"""Of whom REQUIRE_MFA demands a second factor: a person *owes* one until they have set it up, and meanwhile their
sessions and keys are *held*: they do only what that takes.

Invariant: nobody's debt is written down. It follows, in the very query that asks whether a session or a key is alive, from
the person's row and from their factors as they are (querysets.has_factor); so there is nothing to fall behind, at no node.
What is left to a held one stands where it comes in: middleware.PAGES_OF_THE_HELD,
adapters.headless.DOORS_OF_THE_HELD and api.authentication.OPERATIONS_OF_THE_HELD. An API key does nothing meanwhile.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings


class MfaPolicy(NamedTuple):
    """The roles that it concerns, and who that is in words."""

    roles: frozenset[str]
    words: str


# The values that the setting may have.
MFA_POLICIES: dict[str, MfaPolicy] = {
    "nobody": MfaPolicy(frozenset(), ""),
    "admins": MfaPolicy(frozenset({"admin"}), "administrators"),
    "staff": MfaPolicy(frozenset({"staff", "admin"}), "staff and administrators"),
    "everybody": MfaPolicy(frozenset({"user", "staff", "admin"}), "everybody"),
}


def current_mfa_policy() -> MfaPolicy:
    return MFA_POLICIES[settings.REQUIRE_MFA]


def mfa_setup_required(*, kind: str, role: str, has_mfa: bool) -> bool:
    """Whether this account has still to set one up. A program's account has nobody who could."""
    return not has_mfa and kind == "human" and role in current_mfa_policy().roles
