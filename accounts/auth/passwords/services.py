from __future__ import annotations

import uuid
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.oidc import services as oidc
from accounts.auth.passwords.validators import check_new_password
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import User
from core.errors import Conflict, NotAllowed, NotFound
from events.outbox import publish


def change_password(
    *, user: User, password: str, now: datetime, keep: uuid.UUID | None = None, address: str = ""
) -> None:
    """Change the user's own password and revoke every session but `keep`.

    It cancels a pending email change. The user object is changed in place. Raises Invalid for a weak or breached password,
    and Conflict where the password changed meanwhile.
    """
    change = "password_changed" if user.has_usable_password() else "password_set"
    check_new_password(password, user)
    with transaction.atomic():
        # The breach check takes time: whoever knew the old password must not overwrite one set meanwhile by a reset.
        unchanged = User.objects.active().filter(pk=user.pk, password=user.password)
        if not unchanged.select_for_update(no_key=True).values_list("pk").first():
            raise Conflict(gettext("The password was changed meanwhile. Sign in again."), code="password_changed")
        _save_password(user, password, now, keep)
        notify_security_change(user=user, change=change, now=now, address=address)


def reset_password(*, user: User, password: str, now: datetime, address: str = "") -> None:
    """Set a password by an emailed link, and remove what an intruder may have left.

    `user` is as it was when the link was verified: of two concurrent uses the later one finds it changed. Raises
    NotFound then, and Invalid for a weak or breached password.
    """
    # Before the transaction: it may wait for the list of breached passwords, and must hold no lock meanwhile.
    check_new_password(password, user)
    with transaction.atomic():
        unchanged = User.objects.active().filter(pk=user.pk, password=user.password, email=user.email)
        if not unchanged.select_for_update(no_key=True).values_list("pk").first():
            raise NotFound(gettext("This link is not valid: it was used already, or is too old."))
        _save_password(user, password, now, keep=None)
        # Whoever knew the old password may have created API keys or linked an identity of their own.
        remove_other_login_methods(user=user, actor=user, now=now)
        if not email_addresses.is_email_verified(user):
            _verify_email_after_reset(user, now)
        notify_security_change(user=user, change="password_reset", now=now, address=address)


def _save_password(user: User, password: str, now: datetime, keep: uuid.UUID | None) -> None:
    if user.kind != User.Kind.HUMAN:
        raise NotAllowed(gettext("A service account signs in with its API keys alone."))
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password, version=F("version") + 1)
    cache.invalidate_user(user.pk)
    publish(events.UserUpdated(user=user_payload(user), changes={"password": ["hidden", "hidden"]}), actor=user, at=now)
    sessions.revoke_other_sessions(actor=user, keep=keep, now=now, reason="password changed")


@transaction.atomic
def remove_other_login_methods(*, user: User, actor: User, now: datetime) -> None:
    """Remove the login methods that an intruder may have left in an account; MFA methods stay."""
    revoke_all_keys(owner=user, actor=actor, now=now)
    email_addresses.cancel_email_change(user=user)
    oidc.unlink_unverified_identities(owner=user, actor=actor, now=now)


def _verify_email_after_reset(user: User, now: datetime) -> None:
    """Mark the address verified, as its mailbox received the link.

    MFA methods from before that may belong to a user who never had the mailbox, and would lock its owner out.
    """
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if removed:
        notify_security_change(user=user, change="unverified_mfa_removed", now=now)
    email_addresses.mark_email_verified(user=user, now=now)
