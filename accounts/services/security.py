"""Telling a person, and the log of facts, that something about how they prove who they are has changed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.urls import reverse

from accounts import cache, events, mails, policies, selectors
from accounts.models import User
from accounts.services.users import public
from events.publishing import publish

WORDS: dict[str, str] = {
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
    "email_proposed": "Another e-mail address was proposed for your TaskFlow account.",
    "way_in_undone": "What was added to your TaskFlow account was taken away again, and everybody was signed out.",
    "unproved_factors_removed": "The second factors from before your address was confirmed were removed.",
    "second_factor_reset": "An administrator removed the second factors of your TaskFlow account.",
}


# After these the person's sessions and keys are asked for anew: see accounts.standing.
OF_FACTORS = {
    "totp_activated",
    "totp_deactivated",
    "webauthn_added",
    "webauthn_removed",
    "second_factor_reset",
    "way_in_undone",
    "unproved_factors_removed",
}


@transaction.atomic
def tell_security_changed(
    *, person: User, what: str, now: datetime, address: str = "", to: str = "", actor: User | None = None
) -> None:
    """`what` is one of WORDS; `to` is another address than the person's present one."""
    words = {
        "name": person.name,
        "headline": WORDS[what],
        "address": address,
        "time_zone": person.time_zone,
        "happened_at": now.isoformat(),
        "security_path": reverse("mfa_index"),
        **_what_helps(person, what),
    }
    if what in OF_FACTORS:
        cache.forget_person(person.pk)
    fact = events.SecurityChanged(user=public(person), what=what, address=address)
    publish(fact, actor=actor or person, at=now)
    mails.queue(kind="security_changed", to=to or person.email, words=words, key=secrets.token_hex(16))


def _what_helps(person: User, what: str) -> dict[str, str]:
    """What the mail tells somebody to do who did not do this: a new password leaves in place what was added."""
    if what == "email_changed":
        return {}  # a link for a new password would go to the new address
    undo = selectors.undo_of(person, what)
    return {"undo_path": undo} if undo else {"reset_path": reverse("account_reset_password")}


@transaction.atomic
def reset_second_factors(*, actor: User, people: Collection[User], now: datetime) -> int:
    """Let people in again who have lost phone and recovery codes; returns how many had any. They are told by mail."""
    policies.require_manager(actor)
    count = 0
    for person in people:
        removed, _ = Authenticator.objects.filter(user=person).delete()
        if removed:
            tell_security_changed(person=person, what="second_factor_reset", now=now, actor=actor)
            count += 1
    return count
