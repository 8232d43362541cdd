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

from accounts import cache, events, mails
from accounts.models import User
from accounts.services.security import tell_security_changed
from accounts.services.users import public
from core.errors import NotAllowed
from events.publishing import publish


def is_verified(person: User) -> bool:
    return bool(EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists())


def require_verified(person: User) -> None:
    """Refuse whoever has not opened the link to their address yet, where REQUIRE_VERIFIED_EMAIL demands it."""
    if settings.REQUIRE_VERIFIED_EMAIL and not is_verified(person):
        raise NotAllowed("Open the link in the mail to your address first.", code="email_not_verified")


@transaction.atomic
def ask_to_verify(*, person: User) -> None:
    """Mail a link to the person's address, which may be from before there were rows for addresses."""
    address, _ = EmailAddress.objects.get_or_create(
        user=person,
        email=person.email,
        defaults={"primary": not EmailAddress.objects.filter(user=person, primary=True).exists()},
    )
    mail_link(address)


@transaction.atomic
def mail_link(address: EmailAddress) -> None:
    link = f"{reverse('account_confirm_email')}?{urlencode({'key': EmailConfirmationHMAC.create(address).key})}"
    words = {"name": address.user.name, "verify_path": link}
    mails.queue(kind="verify_email", to=address.email, words=words, key=secrets.token_hex(16))


@transaction.atomic
def propose_address(*, person: User, email: str, now: datetime, seen_at: str = "") -> None:
    """Mail a link to an address that shall take the place of the present one; it takes the place of an earlier proposal.

    The present address hears of it, too: who has somebody's browser for a moment would else take the account later.
    """
    withdraw_proposal(person=person)
    mail_link(EmailAddress.objects.create(user=person, email=email.lower()))
    tell_security_changed(person=person, what="email_proposed", now=now, address=seen_at)


def withdraw_proposal(*, person: User) -> None:
    """The link that was mailed to the proposed address leads nowhere from then on."""
    EmailAddress.objects.filter(user=person, verified=False).exclude(email=person.email).delete()


def proposed_address(person: User) -> EmailAddress | None:
    return EmailAddress.objects.filter(user=person, verified=False).exclude(email=person.email).first()


@transaction.atomic
def note_verified(*, person: User, before: str, now: datetime) -> None:
    """Tell that the link was opened; `before` is the address the person had until then."""
    person.refresh_from_db()
    publish(events.EmailVerified(user=public(person), email=person.email), actor=person, at=now)
    if person.email == before:
        return
    User.objects.filter(pk=person.pk).update(version=F("version") + 1)
    cache.forget_person(person.pk)
    publish(events.UserUpdated(user=public(person), changes={"email": [before, person.email]}), actor=person, at=now)


@transaction.atomic
def verify_address(*, person: User, now: datetime) -> None:
    """Note that the present address is its person's: they have opened a link there, of whatever mail."""
    EmailAddress.objects.update_or_create(user=person, email=person.email, defaults={"verified": True, "primary": True})
    note_verified(person=person, before=person.email, now=now)


@transaction.atomic
def take_address(*, person: User, email: str) -> None:
    """Let an administrator's change of somebody's address follow: it is theirs when they have opened a link there."""
    EmailAddress.objects.filter(user=person).delete()
    EmailAddress.objects.create(user=person, email=email, primary=True)
