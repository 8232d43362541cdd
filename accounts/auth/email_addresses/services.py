"""Verifying an email address by a link that is sent to it, and changing it."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from accounts import events
from accounts.auth import account_emails
from accounts.auth.login_methods.selectors import REVERT_LINK_TTL, revert_link_for_email
from accounts.auth.one_time_tokens import find_address_by_key
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import EmailChange, User
from core.errors import Conflict, Invalid, NotFound
from core.text import normalize_email
from events.outbox import publish

LINK_EXPIRED = gettext_noop("This link is not valid: it was used already, or is too old.")
EMAIL_TAKEN = gettext_noop("Another account uses this address now.")


def is_email_verified(user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


@transaction.atomic
def send_verification_email(*, user: User) -> None:
    """Send a verification link to the user's address, and create a missing row."""
    address, _ = EmailAddress.objects.get_or_create(
        user=user,
        email=user.email,
        defaults={"primary": not EmailAddress.objects.filter(user=user, primary=True).exists()},
    )
    account_emails.send_verification(address)


def find_address_to_verify(key: str) -> EmailAddress | None:
    """Return the address that the key of a link verifies; None for a used, old or forged key."""
    return find_address_by_key(key)


def verify_email(*, key: str, now: datetime, ip: str = "") -> User:
    """Verify the address of a link, and make it the address of the account.

    Raises NotFound for an invalid link, and Conflict (`email_taken`) if another account has the address by now.
    """
    try:
        with transaction.atomic():
            address = find_address_to_verify(key)
            if address is None:
                raise NotFound(LINK_EXPIRED)
            user: User = User.objects.select_for_update(no_key=True).get(pk=address.user_id)
            before, was_verified = user.email, is_email_verified(user)
            _require_not_reserved(user, address.email, now)
            # Links to other addresses end here: one that was requested by an intruder must not work later.
            EmailAddress.objects.filter(user=user).exclude(pk=address.pk).delete()
            if not EmailAddress.objects.filter(pk=address.pk, verified=False).update(verified=True, primary=True):
                raise NotFound(LINK_EXPIRED)  # used, or cancelled, while this request waited for the lock
            User.objects.filter(pk=user.pk).exclude(email=address.email).update(email=address.email)
            record_verified_email(user=user, before=before, now=now)
            if user.email != before:
                # An address that was never verified may be a stranger's, who must not be able to take the account.
                change = (
                    EmailChange.objects.create(
                        user=user, email=before, changed_at=now, expires_at=now + REVERT_LINK_TTL
                    )
                    if was_verified
                    else None
                )
                revert_path = revert_link_for_email(change) if change else ""
                notify_security_change(
                    user=user, change="email_changed", now=now, address=ip, to=before, revert_path=revert_path
                )
            return user
    except IntegrityError as error:  # verified addresses are unique, and so are those of accounts
        raise Conflict(EMAIL_TAKEN, code="email_taken") from error


def _require_not_reserved(user: User | None, email: str, now: datetime) -> None:
    """Raise Conflict for the former address of another account, which can still be restored."""
    reserved = EmailChange.objects.filter(email=email, expires_at__gt=now)
    if (reserved.exclude(user=user) if user else reserved).exists():
        raise Conflict(EMAIL_TAKEN, code="email_taken")


def restore_email(*, user: User, change: EmailChange, now: datetime) -> None:
    """Give a user the former address back, verified, in the caller's transaction. Raises Conflict."""
    before = user.email
    # Links to the addresses of later changes end here: they may be the intruder's.
    EmailChange.objects.filter(user=user, changed_at__gte=change.changed_at).delete()
    EmailAddress.objects.filter(user=user).delete()
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=change.email)
            EmailAddress.objects.create(user=user, email=change.email, verified=True, primary=True)
    except IntegrityError as error:
        raise Conflict(EMAIL_TAKEN, code="email_taken") from error
    record_verified_email(user=user, before=before, now=now)


def purge_email_changes(*, now: datetime) -> int:
    """Delete former addresses that can't be restored any more. Returns how many."""
    return EmailChange.objects.filter(expires_at__lt=now).delete()[0]


@transaction.atomic
def request_email_change(*, user: User, email: str, now: datetime, seen_at: str = "") -> None:
    """Send a link to a new address, which replaces the present one when opened.

    It replaces an earlier request. The present address is notified: otherwise, a short moment at the user's browser
    would be enough to take over the account unnoticed. Raises Invalid for an address that the user has or has requested already.
    """
    email = normalize_email(email)
    if email == user.email or EmailAddress.objects.filter(user=user, email=email).exists():
        raise Invalid.field("email", gettext("This is your address already, or you requested it before."), "duplicate")
    cancel_email_change(user=user)
    account_emails.send_verification(EmailAddress.objects.create(user=user, email=email))
    notify_security_change(user=user, change="email_change_requested", now=now, address=seen_at)


def cancel_email_change(*, user: User) -> None:
    """Invalidate the link that was sent to a new address."""
    EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()


def get_pending_email(user: User) -> EmailAddress | None:
    return EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).first()


@transaction.atomic
def record_verified_email(*, user: User, before: str, now: datetime) -> None:
    """Publish that the user's address is verified; `before` is the address they had until now."""
    user.refresh_from_db()
    publish(events.EmailVerified(user=user_payload(user), email=user.email), actor=user, at=now)
    if user.email == before:
        return
    User.objects.filter(pk=user.pk).update(version=F("version") + 1)
    cache.invalidate_user(user.pk)
    publish(events.UserUpdated(user=user_payload(user), changes={"email": [before, user.email]}), actor=user, at=now)


@transaction.atomic
def mark_email_verified(*, user: User, now: datetime) -> None:
    """Mark the present address verified, as another link sent to it was opened."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    record_verified_email(user=user, before=user.email, now=now)


@transaction.atomic
def follow_email_change(*, user: User, before: str, actor: User, now: datetime) -> None:
    """Follow an administrator's change of the user's address: verify the new one, and tell the former one."""
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    if not user.is_service:  # nobody reads its mailbox
        send_verification_email(user=user)
        notify_security_change(user=user, change="email_changed_by_admin", now=now, to=before, actor=actor)
