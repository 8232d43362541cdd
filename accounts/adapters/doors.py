"""Counting at the doors that allauth keeps open, by our own limiter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.base.response import RateLimitResponse
from django.conf import settings
from django.http import HttpRequest

from accounts import guard, services
from accounts.models import User
from core.errors import TooMany
from gateway.limits import spend


def count(request: HttpRequest, group: str, key: str, rate: str) -> None:
    with _answered(request):
        spend(request, group=group, key=key, rate=rate)


def count_sign_in(request: HttpRequest, email: str) -> None:
    with _answered(request):
        guard.admit(request, email)


def count_second_factor(request: HttpRequest, person: User) -> None:
    with _answered(request):
        guard.admit_code(request, person)


def mail_verification(request: HttpRequest, person: User) -> None:
    """Beyond the rate nothing is sent and nothing refused: the links that were sent before are good for days."""
    with suppress(TooMany):
        spend(request, group="account-mail", key=person.email, rate=settings.ACCOUNT_MAIL_RATE)
        services.ask_to_verify(person=person)


@contextmanager
def _answered(request: HttpRequest) -> Iterator[None]:
    """One attempt too many is a page for people; programs of allauth's API get the answer that its description names."""
    try:
        yield
    except TooMany as error:
        if not is_headless_request(request):
            raise
        answer = RateLimitResponse(request)
        answer["Retry-After"] = str(error.retry_after)
        raise ImmediateHttpResponse(answer) from error
