"""How often a password, and then a code, may be tried, at whatever door.

Strangers share one count for an account, so that a thousand addresses guess no faster than one. Who calls from a device
or an address where this person was signed in before has a count of their own: whatever strangers do, they get in.
Codes are counted apart from passwords: a right password says nothing about the codes that were wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts import selectors, services
from accounts.devices import digest, name_of
from accounts.models import User
from core.errors import Invalid
from gateway.headers import client_address
from gateway.limits import Patience, forget_failures, note_failure, require_patience, spend
from gateway.views import user_agent

OF_AN_ACCOUNT, OF_AN_ADDRESS = Patience(free=10), Patience(free=30)
# A code has six digits, so who knows the password and guesses on gets to 29 on the first day, and to six on any other.
OF_CODES = Patience(free=10, remembered=24 * 3600, longest=4 * 3600)


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

    @property
    def stranger(self) -> str:
        return f"address:{self.address}"

    def names(self, bucket: str) -> list[str]:
        return [bucket] if self.caller else [bucket, self.stranger]


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


@contextmanager
def proving(request: HttpRequest, person: User, *, by_code: bool = False) -> Iterator[None]:
    """Somebody who is signed in sends the password, or a code, once more: one attempt, which is noted as right or wrong.

    The block raises services.WRONG for a wrong one. Who has no password can guess at none.
    """
    if not by_code and not person.has_usable_password():
        yield
        return
    admit_code(request, person) if by_code else admit(request, person.email)
    try:
        yield
    except Invalid as refusal:
        if any(one.code == services.WRONG for one in refusal.fields):
            note_wrong_code(request, person) if by_code else note_wrong(request, person.email, person)
        raise
    note_right_code(request, person) if by_code else note_success(request, person.email)


def note_success(request: HttpRequest, email: str) -> None:
    forget_failures(_attempt(request, email).bucket)


def note_wrong(request: HttpRequest, email: str, person: User | None) -> None:
    """A wrong password, or an address that nobody has: the wait grows, and it stands in the log."""
    attempt = _attempt(request, email)
    note_failure(attempt.bucket, OF_AN_ACCOUNT)
    _note(request, attempt, person)


def note_right_code(request: HttpRequest, person: User) -> None:
    forget_failures(_attempt(request, person.email).codes)


def note_wrong_code(request: HttpRequest, person: User) -> None:
    attempt = _attempt(request, person.email)
    note_failure(attempt.codes, OF_CODES)
    _note(request, attempt, person)


def _note(request: HttpRequest, attempt: Attempt, person: User | None) -> None:
    if not attempt.caller:
        note_failure(attempt.stranger, OF_AN_ADDRESS)
    device = name_of(user_agent(request))
    services.note_failed_sign_in(person=person, address=attempt.address, device=device, now=timezone.now())


def _attempt(request: HttpRequest, email: str) -> Attempt:
    known: dict[str, Attempt] = request.__dict__.setdefault("_attempts", {})
    email = email.strip().lower()
    if email not in known:
        address, device = client_address(request), digest(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""))
        caller = selectors.recognised_by(email, device=device, address=address)
        known[email] = Attempt(digest(email), address, caller)
    return known[email]
