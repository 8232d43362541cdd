"""Mandatory MFA: whose accounts REQUIRE_MFA restricts until they have set it up.

A restricted user's sessions may do only what setting up MFA takes, and their API keys do nothing. The restriction is
stored nowhere: it follows, in the query that asks whether a session or a key is active, from the user's row and their
MFA methods (models.querysets.has_mfa_subquery). So no node can be behind.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings


class MfaPolicy(NamedTuple):
    """The roles that must have MFA, and their description for the settings page."""

    roles: frozenset[str]
    description: str


# The values of the setting REQUIRE_MFA.
MFA_POLICIES: dict[str, MfaPolicy] = {
    "nobody": MfaPolicy(frozenset(), ""),
    "admins": MfaPolicy(frozenset({"admin"}), "administrators"),
    "staff": MfaPolicy(frozenset({"staff", "admin"}), "staff and administrators"),
    "everybody": MfaPolicy(frozenset({"user", "staff", "admin"}), "everybody"),
}


def current_mfa_policy() -> MfaPolicy:
    return MFA_POLICIES[settings.REQUIRE_MFA]


def mfa_setup_required(*, kind: str, role: str, has_mfa: bool) -> bool:
    """Whether this account has yet to set up MFA. A service account has nobody who could."""
    return not has_mfa and kind == "human" and role in current_mfa_policy().roles
