"""Counting at the doors that allauth keeps open, by our own limiter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.base.response import RateLimitResponse
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth import throttling
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.passwords import emails
from accounts.models import User
from core.errors import RateLimited
from core.http.client_ip import client_ip
from core.rate_limits import consume

# Two counts for one mailbox: asking for a lost password in somebody's name does not keep them from registering.
LINK_EMAIL_GROUP, REGISTRATION_EMAIL_GROUP = "email-link", "registration-email"


def check_rate(request: HttpRequest, group: str, key: str, rate: str) -> None:
    with rate_limit_response(request):
        consume(request, group=group, key=key, rate=rate)


def check_login_rate(request: HttpRequest, email: str) -> None:
    with rate_limit_response(request):
        throttling.check_login(request, email)


def check_mfa_rate(request: HttpRequest, user: User) -> None:
    with rate_limit_response(request):
        throttling.check_mfa(request, user)


def send_verification_email(request: HttpRequest, user: User, *, group: str = LINK_EMAIL_GROUP) -> None:
    """Beyond the rate nothing is sent and nothing refused: the links that were sent before are good for days."""
    with suppress(RateLimited):
        consume(request, group=group, key=user.email, rate=settings.EMAIL_LINK_RATE)
        email_addresses.send_verification_email(user=user)


def send_account_exists_email(request: HttpRequest, email: str) -> None:
    """Counted like the mail to somebody new, so that the count does not tell who has an account."""
    with suppress(RateLimited):
        consume(request, group=REGISTRATION_EMAIL_GROUP, key=email, rate=settings.EMAIL_LINK_RATE)
        emails.send_account_exists_email(email=email)


def request_email_change(request: HttpRequest, user: User, email: str) -> None:
    """Counted by both mailboxes that hear of it; the present one apart from other mails, that nobody uses those up."""
    check_rate(request, "email-link", email, settings.EMAIL_LINK_RATE)
    check_rate(request, "email-link", f"proposals {user.pk}", settings.EMAIL_LINK_RATE)
    email_addresses.request_email_change(user=user, email=email, now=timezone.now(), seen_at=client_ip(request))


@contextmanager
def rate_limit_response(request: HttpRequest) -> Iterator[None]:
    """One attempt too many is a page for people; programs of allauth's API get the answer that its description names."""
    try:
        yield
    except RateLimited as error:
        if not is_headless_request(request):
            raise
        answer = RateLimitResponse(request)
        answer["Retry-After"] = str(error.retry_after)
        raise ImmediateHttpResponse(answer) from error
