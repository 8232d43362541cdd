"""Notifying users of changes to their login methods, password or address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_noop

from accounts import events
from accounts.auth import account_emails
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import SecurityChange, User
from core.serialization import to_json
from events.outbox import publish

MESSAGES: dict[str, str] = {
    "password_changed": gettext_noop("The password of your TaskFlow account was changed."),
    "password_set": gettext_noop("Your TaskFlow account has a password now."),
    "password_reset": gettext_noop("The password of your TaskFlow account was reset."),
    "email_changed": gettext_noop("The email address of your TaskFlow account was changed."),
    "email_change_requested": gettext_noop("A new email address was requested for your TaskFlow account."),
    "email_changed_by_admin": gettext_noop("An administrator changed the email address of your TaskFlow account."),
    "password_set_by_admin": gettext_noop("An administrator set a new password for your TaskFlow account."),
    "created_by_admin": gettext_noop("An administrator created a TaskFlow account for you, with a password."),
    "totp_activated": gettext_noop("An authenticator app was added to your TaskFlow account."),
    "totp_deactivated": gettext_noop("The authenticator app was removed from your TaskFlow account."),
    "recovery_codes_generated": gettext_noop("Your TaskFlow account has new recovery codes."),
    "webauthn_added": gettext_noop("A passkey was added to your TaskFlow account."),
    "passkey_refused": gettext_noop(
        "A passkey of your TaskFlow account was refused: it may have been copied. Remove it, and add a new one."
    ),
    "webauthn_removed": gettext_noop("A passkey was removed from your TaskFlow account."),
    "login_method_reverted": gettext_noop(
        "A change to your TaskFlow account was undone, and all devices were signed out."
    ),
    "unverified_mfa_removed": gettext_noop(
        "Two-factor authentication set up before you verified your address was removed."
    ),
    "calendar_link_created": gettext_noop(
        "A link to the calendar feed of your TaskFlow account was created: whoever has it sees your tasks' titles and dates."
    ),
    "mfa_reset": gettext_noop("An administrator turned off two-factor authentication for your TaskFlow account."),
}
# After these the status of the user's sessions and API keys is read anew, see accounts.auth.mfa.enforcement.
MFA_CHANGES = {
    "totp_activated",
    "totp_deactivated",
    "webauthn_added",
    "webauthn_removed",
    "mfa_reset",
    "login_method_reverted",
    "unverified_mfa_removed",
}


PASSWORD_CHANGES = {"password_changed", "password_set"}
# What the user can revert by the link in the email, from the row that is made here.
REVERTIBLE_CHANGES = PASSWORD_CHANGES | {"totp_deactivated", "webauthn_removed"}


@transaction.atomic
def notify_security_change(
    *,
    user: User,
    change: str,
    now: datetime,
    address: str = "",
    to: str = "",
    actor: User | None = None,
    dedup_key: str = "",
    revert_path: str = "",
    removed_methods: Sequence[Authenticator] = (),
) -> None:
    """Publish `user.security_changed` and send the user an email about it.

    `change` is a key of MESSAGES, `address` the caller's IP address, `to` another email address than the present one.
    `removed_methods` are deleted rows, which the link in the email can restore.
    """
    context: dict[str, Any] = {
        "name": user.name,
        "headline": MESSAGES[change],
        "address": address,
        "time_zone": user.time_zone,
        "language": user.language,
        "occurred_at": now.isoformat(),
        "security_path": reverse("mfa_index"),
    }
    if change in REVERTIBLE_CHANGES:
        columns = ("pk", "type", "data", "created_at", "last_used_at")
        row = SecurityChange.objects.create(
            user=user,
            change=change,
            removed_methods=[{name: to_json(getattr(item, name)) for name in columns} for item in removed_methods],
            changed_at=now,
            expires_at=now + login_methods_selectors.REVERT_LINK_TTL,
        )
        revert_path = login_methods_selectors.revert_link_for_change(row)
    # The user may not be able to sign in any more, so the email itself has the way back.
    if revert_path := revert_path or login_methods_selectors.revert_link_for_mfa_method(user, change) or "":
        context["revert_path"] = revert_path
        context["password_changed"] = change in PASSWORD_CHANGES
    elif change not in {
        "email_changed",
        "email_changed_by_admin",
    }:  # a link for a new password would go to the new address
        context["reset_path"] = reverse("account_reset_password")
    if change in MFA_CHANGES:
        cache.invalidate_user(user.pk)
    event = events.SecurityChanged(user=user_payload(user), change=change, address=address)
    publish(event, actor=actor or user, at=now)
    account_emails.enqueue(kind="security_changed", to=to or user.email, context=context, dedup_key=dedup_key)
