"""MFA enforcement: the accounts that REQUIRE_MFA restricts until MFA is set up.

Sessions of a restricted user can only be used to set up MFA, and their API keys are rejected. The restriction is not
stored. The query that loads an active session or key derives it from the user's row and MFA methods
 (accounts.models.sessions.has_mfa_subquery). So no node acts on an outdated restriction.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext

from core.errors import NotAllowed


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


def mfa_setup_required(*, kind: str, role: str, has_mfa: bool) -> bool:
    """Return whether this account must still set up MFA. Service accounts are exempt: no person could do it."""
    return not has_mfa and kind == "human" and role in MFA_POLICIES[settings.REQUIRE_MFA].roles


def mfa_setup_required_error() -> NotAllowed:
    """Return the API's error for a user who has to set up MFA first."""
    return NotAllowed(
        gettext(
            "This account needs two-factor authentication. Set it up at %(site_url)s/settings/security/, or with /api/v1/me/mfa/totp/."
        )
        % {"site_url": settings.SITE_URL},
        code="mfa_setup_required",
    )
