"""How often a password, and then a code, may be tried, at whatever door.

Strangers share one count for an account, so that a thousand addresses guess no faster than one. Who calls from a device
or an address where this person was signed in before has a count of their own: whatever strangers do, they get in.
Codes are counted apart from passwords: a right password says nothing about the codes that were wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from accounts import events
from accounts.devices import digest, name_of
from accounts.models import Session, User
from accounts.services.users import public
from events.publishing import publish
from gateway.headers import client_address
from gateway.limits import forget_failures, note_failure, require_patience, spend
from gateway.views import user_agent

FREE_FOR_AN_ACCOUNT = 10
FREE_FOR_AN_ADDRESS = 30
FREE_CODES = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whose account is tried and by whom; `caller` is empty for strangers. Neither an e-mail nor a secret is readable."""

    account: str
    address: str
    caller: str

    @property
    def bucket(self) -> str:
        return f"account:{self.account}:{self.caller}"

    @property
    def codes(self) -> str:
        return f"second-factor:{self.account}:{self.caller}"

    def names(self, bucket: str) -> list[str]:
        return [bucket] if self.caller else [bucket, f"address:{self.address}"]


def admit(request: HttpRequest, email: str) -> None:
    """Count one attempt to sign in, and raise TooMany for one too many."""
    attempt = _attempt(request, email)
    if not attempt.caller:
        spend(request, group="login-address", key=attempt.address, rate=settings.LOGIN_RATE_PER_ADDRESS)
    spend(request, group="login-account", key=attempt.bucket, rate=settings.LOGIN_RATE_PER_ACCOUNT)
    require_patience(attempt.names(attempt.bucket))


def admit_code(request: HttpRequest, person: User) -> None:
    """Count one code of a second factor before it is looked at, and raise TooMany for one too many."""
    attempt = _attempt(request, person.email)
    spend(request, group="second-factor", key=attempt.codes, rate=settings.SECOND_FACTOR_RATE)
    require_patience(attempt.names(attempt.codes))


def note_success(request: HttpRequest, email: str) -> None:
    forget_failures(_attempt(request, email).bucket)


def note_wrong(request: HttpRequest, email: str, person: User | None) -> None:
    """A wrong password, or an address that nobody has: the wait grows, and it stands in the log."""
    attempt = _attempt(request, email)
    note_failure(attempt.bucket, free=FREE_FOR_AN_ACCOUNT)
    _note(request, attempt, person)


def note_right_code(request: HttpRequest, person: User) -> None:
    forget_failures(_attempt(request, person.email).codes)


def note_wrong_code(request: HttpRequest, person: User) -> None:
    attempt = _attempt(request, person.email)
    note_failure(attempt.codes, free=FREE_CODES)
    _note(request, attempt, person)


def _note(request: HttpRequest, attempt: Attempt, person: User | None) -> None:
    if not attempt.caller:
        note_failure(f"address:{attempt.address}", free=FREE_FOR_AN_ADDRESS)
    with transaction.atomic():
        publish(
            events.SignInFailed(
                # An address that nobody here has gets its entry too, and that takes as long to write.
                user=public(person) if person else events.NOBODY,
                address=attempt.address,
                device=name_of(user_agent(request)),
            ),
            actor=None,
            at=timezone.now(),
        )


def _attempt(request: HttpRequest, email: str) -> Attempt:
    known: dict[str, Attempt] = request.__dict__.setdefault("_attempts", {})
    email = email.strip().lower()
    if email not in known:
        address = client_address(request)
        known[email] = Attempt(digest(email), address, _caller(request, email, address))
    return known[email]


def _caller(request: HttpRequest, email: str, address: str) -> str:
    """What somebody is recognised by who was signed in to this account before; empty for a stranger."""
    device = digest(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""))
    found = Session.objects.filter(user__email=email).aggregate(
        device=Count("pk", filter=Q(device=device, kind=Session.Kind.BROWSER)),
        address=Count("pk", filter=Q(address=address)),
    )
    if found["device"]:
        return device
    return address if found["address"] else ""
