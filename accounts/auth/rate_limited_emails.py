"""Account emails that anonymous callers can trigger: at most EMAIL_LINK_RATE to one mailbox, however it is spelled."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest

from accounts.auth import account_emails
from accounts.auth.email_addresses import services as email_addresses
from accounts.models import User
from core.clock import current_time
from core.errors import RateLimited
from core.http.client_ip import client_ip
from core.rate_limits import Use, consume, limited
from core.text import base_address, normalize_email

# Two counters for one mailbox: a stranger's password resets must not keep its owner from registering.
LINK_EMAIL_GROUP, REGISTRATION_EMAIL_GROUP = "email-link", "registration-email"


def send_verification_email(request: HttpRequest, user: User, *, group: str = LINK_EMAIL_GROUP) -> None:
    """Send the link, or nothing beyond the rate: earlier links are valid for days."""
    with suppress(RateLimited):
        consume(request, Use(group, base_address(user.email), settings.EMAIL_LINK_RATE))
        email_addresses.send_verification_email(user=user)


def send_account_exists_email(request: HttpRequest, email: str) -> None:
    """Send it, and count it like the email to a new user: the counter reveals nothing then."""
    email = normalize_email(email)
    with suppress(RateLimited):
        consume(request, Use(REGISTRATION_EMAIL_GROUP, base_address(email), settings.EMAIL_LINK_RATE))
        account_emails.send_account_exists(email)


def send_password_reset_email(request: HttpRequest, email: str) -> None:
    """Send a reset link, or tell an unknown address that it has no account. Raises RateLimited."""
    email = normalize_email(email)
    # By caller too, so that one caller cannot use up the links of many mailboxes.
    consume(
        request,
        Use("reset-address", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS),
        Use(LINK_EMAIL_GROUP, base_address(email), settings.EMAIL_LINK_RATE),
    )
    user = User.objects.active().filter(email=email).first()
    account_emails.send_password_reset(user) if user else account_emails.send_no_account(email)


def request_email_change(request: HttpRequest, user: User, email: str) -> None:
    """Count in both mailboxes that get an email, then request the change. Raises RateLimited.

    The counter of the present one is separate, so that other callers cannot use up the user's other links.
    """
    email = normalize_email(email)
    mailboxes = (base_address(email), f"proposals {user.pk}")
    with limited(request, *(Use(LINK_EMAIL_GROUP, mailbox, settings.EMAIL_LINK_RATE) for mailbox in mailboxes)):
        email_addresses.request_email_change(user=user, email=email, now=current_time(), seen_at=client_ip(request))
