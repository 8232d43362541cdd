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

from accounts import guard, services
from accounts.models import User
from core.errors import TooMany
from gateway.headers import client_address
from gateway.limits import spend

# Two counts for one mailbox: asking for a lost password in somebody's name does not keep them from registering.
ASKED_FOR, REGISTERING = "account-mail", "registration-mail"


def count(request: HttpRequest, group: str, key: str, rate: str) -> None:
    with answered(request):
        spend(request, group=group, key=key, rate=rate)


def count_sign_in(request: HttpRequest, email: str) -> None:
    with answered(request):
        guard.admit(request, email)


def count_second_factor(request: HttpRequest, person: User) -> None:
    with answered(request):
        guard.admit_code(request, person)


def mail_verification(request: HttpRequest, person: User, *, group: str = ASKED_FOR) -> None:
    """Beyond the rate nothing is sent and nothing refused: the links that were sent before are good for days."""
    with suppress(TooMany):
        spend(request, group=group, key=person.email, rate=settings.ACCOUNT_MAIL_RATE)
        services.ask_to_verify(person=person)


def mail_account_exists(request: HttpRequest, email: str) -> None:
    """Counted like the mail to somebody new, so that the count does not tell who has an account."""
    with suppress(TooMany):
        spend(request, group=REGISTERING, key=email, rate=settings.ACCOUNT_MAIL_RATE)
        services.mail_account_exists(email=email)


def propose_address(request: HttpRequest, person: User, email: str) -> None:
    """Counted by both mailboxes that hear of it; the present one apart from other mails, that nobody uses those up."""
    count(request, "account-mail", email, settings.ACCOUNT_MAIL_RATE)
    count(request, "account-mail", f"proposals {person.pk}", settings.ACCOUNT_MAIL_RATE)
    services.propose_address(person=person, email=email, now=timezone.now(), seen_at=client_address(request))


@contextmanager
def answered(request: HttpRequest) -> Iterator[None]:
    """One attempt too many is a page for people; programs of allauth's API get the answer that its description names."""
    try:
        yield
    except TooMany as error:
        if not is_headless_request(request):
            raise
        answer = RateLimitResponse(request)
        answer["Retry-After"] = str(error.retry_after)
        raise ImmediateHttpResponse(answer) from error
