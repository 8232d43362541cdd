"""How often a password may be tried, at whatever door.

Strangers share one count for an account, so that a thousand addresses guess no faster than one. Who calls from a device
or an address where this person was signed in before has a count of their own: whatever strangers do, they get in.
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
# Whoever tried an address that nobody here has: the log has an entry for it too, and takes as long to write it.
NOBODY = {"id": "00000000-0000-0000-0000-000000000000"}


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
    def names(self) -> list[str]:
        return [self.bucket] if self.caller else [self.bucket, f"address:{self.address}"]


def admit(request: HttpRequest, email: str) -> None:
    """Count one attempt to sign in, and raise TooMany for one too many."""
    attempt = _attempt(request, email)
    if not attempt.caller:
        spend(request, group="login-address", key=attempt.address, rate=settings.LOGIN_RATE_PER_ADDRESS)
    spend(request, group="login-account", key=attempt.bucket, rate=settings.LOGIN_RATE_PER_ACCOUNT)
    require_patience(attempt.names)


def note_success(request: HttpRequest, email: str) -> None:
    forget_failures(_attempt(request, email).bucket)


def note_wrong(request: HttpRequest, email: str, person: User | None) -> None:
    """A wrong password, or an address that nobody has: the wait grows, and it stands in the log."""
    attempt = _attempt(request, email)
    note_failure(attempt.bucket, free=FREE_FOR_AN_ACCOUNT)
    if not attempt.caller:
        note_failure(f"address:{attempt.address}", free=FREE_FOR_AN_ADDRESS)
    with transaction.atomic():
        publish(
            events.SignInFailed(
                user=public(person) if person else NOBODY,
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
