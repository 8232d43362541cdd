"""Telling a person, and the log of facts, that something about how they prove who they are has changed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.urls import reverse

from accounts import events, policies
from accounts.auth import account_emails
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import User
from events.outbox import publish

MESSAGES: dict[str, str] = {
    "password_changed": "The password of your TaskFlow account was changed.",
    "password_set": "Your TaskFlow account has a password now.",
    "password_reset": "The password of your TaskFlow account was replaced by a new one.",
    "email_changed": "Your TaskFlow account has another e-mail address now.",
    "email_deleted": "An e-mail address was removed from your TaskFlow account.",
    "totp_activated": "An authenticator app was added to your TaskFlow account.",
    "totp_deactivated": "The authenticator app was removed from your TaskFlow account.",
    "recovery_codes_generated": "Your TaskFlow account has new recovery codes.",
    "webauthn_added": "A passkey was added to your TaskFlow account.",
    "webauthn_removed": "A passkey was removed from your TaskFlow account.",
    "account_connected": "Your TaskFlow account can be entered through another provider.",
    "account_disconnected": "A provider can no longer be used to enter your TaskFlow account.",
    "email_change_requested": "Another e-mail address was proposed for your TaskFlow account.",
    "login_method_reverted": "What was added to your TaskFlow account was taken away again, and everybody was signed out.",
    "unverified_mfa_removed": "The second factors from before your address was confirmed were removed.",
    "mfa_reset": "An administrator removed the second factors of your TaskFlow account.",
}


# After these the person's sessions and keys are asked for anew: see accounts.standing.
MFA_CHANGES = {
    "totp_activated",
    "totp_deactivated",
    "webauthn_added",
    "webauthn_removed",
    "mfa_reset",
    "login_method_reverted",
    "unverified_mfa_removed",
}


@transaction.atomic
def notify_security_change(
    *, user: User, what: str, now: datetime, address: str = "", to: str = "", actor: User | None = None
) -> None:
    """`what` is one of WORDS; `to` is another address than the person's present one."""
    words = {
        "name": user.name,
        "headline": MESSAGES[what],
        "address": address,
        "time_zone": user.time_zone,
        "occurred_at": now.isoformat(),
        "security_path": reverse("mfa_index"),
        **_remedy_links(user, what),
    }
    if what in MFA_CHANGES:
        cache.invalidate_user(user.pk)
    fact = events.SecurityChanged(user=user_payload(user), what=what, address=address)
    publish(fact, actor=actor or user, at=now)
    account_emails.enqueue(kind="security_changed", to=to or user.email, context=words, dedup_key=secrets.token_hex(16))


def _remedy_links(user: User, what: str) -> dict[str, str]:
    """What the mail tells somebody to do who did not do this: a new password leaves in place what was added."""
    if what == "email_changed":
        return {}  # a link for a new password would go to the new address
    undo = login_methods_selectors.revert_link_for_mfa_method(user, what)
    return {"revert_path": undo} if undo else {"reset_path": reverse("account_reset_password")}


@transaction.atomic
def reset_mfa(*, actor: User, people: Collection[User], now: datetime) -> int:
    """Let people in again who have lost phone and recovery codes; returns how many had any. They are told by mail."""
    policies.require_manager(actor)
    count = 0
    for user in people:
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if removed:
            notify_security_change(user=user, what="mfa_reset", now=now, actor=actor)
            count += 1
    return count
