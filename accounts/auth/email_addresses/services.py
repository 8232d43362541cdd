"""Whether an address is its person's: a link is mailed to it, and opened."""

from __future__ import annotations

import secrets
from datetime import datetime

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.http import urlencode

from accounts import events
from accounts.auth import account_emails
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import User
from core.errors import NotAllowed
from events.outbox import publish


def is_email_verified(user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def require_verified_email(user: User) -> None:
    """Refuse whoever has not opened the link to their address yet, where REQUIRE_VERIFIED_EMAIL demands it."""
    if settings.REQUIRE_VERIFIED_EMAIL and not is_email_verified(user):
        raise NotAllowed("Open the link in the mail to your address first.", code="email_not_verified")


@transaction.atomic
def send_verification_email(*, user: User) -> None:
    """Mail a link to the person's address, which may be from before there were rows for addresses."""
    address, _ = EmailAddress.objects.get_or_create(
        user=user,
        email=user.email,
        defaults={"primary": not EmailAddress.objects.filter(user=user, primary=True).exists()},
    )
    send_verification_link(address)


@transaction.atomic
def send_verification_link(address: EmailAddress) -> None:
    link = f"{reverse('account_confirm_email')}?{urlencode({'key': EmailConfirmationHMAC.create(address).key})}"
    words = {"name": address.user.name, "verify_path": link}
    account_emails.enqueue(kind="verify_email", to=address.email, context=words, dedup_key=secrets.token_hex(16))


@transaction.atomic
def request_email_change(*, user: User, email: str, now: datetime, seen_at: str = "") -> None:
    """Mail a link to an address that shall take the place of the present one; it takes the place of an earlier proposal.

    The present address hears of it, too: who has somebody's browser for a moment would else take the account later.
    """
    cancel_email_change(user=user)
    send_verification_link(EmailAddress.objects.create(user=user, email=email.lower()))
    notify_security_change(user=user, what="email_change_requested", now=now, address=seen_at)


def cancel_email_change(*, user: User) -> None:
    """The link that was mailed to the proposed address leads nowhere from then on."""
    EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()


def get_pending_email(user: User) -> EmailAddress | None:
    return EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).first()


@transaction.atomic
def record_verified_email(*, user: User, before: str, now: datetime) -> None:
    """Tell that the link was opened; `before` is the address the person had until then."""
    user.refresh_from_db()
    publish(events.EmailVerified(user=user_payload(user), email=user.email), actor=user, at=now)
    if user.email == before:
        return
    User.objects.filter(pk=user.pk).update(version=F("version") + 1)
    cache.invalidate_user(user.pk)
    publish(events.UserUpdated(user=user_payload(user), changes={"email": [before, user.email]}), actor=user, at=now)


@transaction.atomic
def mark_email_verified(*, user: User, now: datetime) -> None:
    """Note that the present address is its person's: they have opened a link there, of whatever mail."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    record_verified_email(user=user, before=user.email, now=now)


@transaction.atomic
def replace_email_address(*, user: User, email: str) -> None:
    """Let an administrator's change of somebody's address follow: it is theirs when they have opened a link there."""
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email, primary=True)
