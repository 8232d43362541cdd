"""Throttling of passwords and MFA codes: a rate and a growing backoff, before and after each attempt.

Callers from unknown devices share one counter per account, so a thousand addresses guess no faster than one. A device or
address from which the user was signed in before has a counter of its own: an attacker cannot lock the user out.
Codes are counted apart from passwords, because a right password says nothing about wrong codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import events
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.events import user_payload
from accounts.models import User
from accounts.users.services import WRONG_SECRET
from core import rate_limits
from core.errors import Invalid
from core.http.client_ip import client_ip, user_agent
from core.http.user_agents import describe_user_agent
from core.rate_limits import Backoff, check_backoff, consume
from core.security.hashing import sha256_hex
from events.outbox import publish


class Secret(NamedTuple):
    """A kind of secret that can be guessed, and how fast.

    `rate_group` and `rate_setting` name the limit of all attempts, `backoff` that of the wrong ones.
    """

    name: str
    rate_group: str
    rate_setting: str
    backoff: Backoff


PASSWORD = Secret("account", "login-account", "LOGIN_RATE_PER_ACCOUNT", Backoff(free_attempts=10))
# A code has six digits: an attacker who has the password gets 29 guesses on the first day and six on any other.
MFA_CODE = Secret("mfa", "mfa", "MFA_RATE", Backoff(free_attempts=10, window=24 * 3600, max_wait=4 * 3600))
IP_BACKOFF = Backoff(free_attempts=30)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a secret of one account. Its keys contain neither an email address nor a secret.

    `trusted_source` is the device or address the user was signed in from before; empty for others.
    """

    secret: Secret
    key: str
    ip: str
    ip_key: str
    device_name: str
    trusted_source: str

    def record_success(self) -> None:
        rate_limits.reset_failures(self.key)

    def record_failure(self, user: User | None) -> None:
        """Let the backoff grow and publish `user.login_failed`.

        An attempt at an unknown address (`user` is None) is published too, so that both cases take the same time.
        """
        rate_limits.record_failure(self.key, self.secret.backoff)
        if not self.trusted_source:
            rate_limits.record_failure(self.ip_key, IP_BACKOFF)
        payload = user_payload(user) if user else events.ANONYMOUS_USER
        event = events.LoginFailed(user=payload, address=self.ip, device=self.device_name)
        with transaction.atomic():
            publish(event, actor=None, at=timezone.now())


def start_attempt(request: HttpRequest, email: str, secret: Secret = PASSWORD) -> Attempt:
    """Count an attempt before the secret is verified. Raises RateLimited."""
    email, ip = email.strip().lower(), client_ip(request)
    device = sha256_hex(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""))
    trusted_source = sessions_selectors.find_trusted_device(email, device=device, address=ip)
    attempt = Attempt(
        secret,
        key=f"{secret.name}:{sha256_hex(email)}:{trusted_source}",
        ip=ip,
        ip_key=f"address:{ip}",
        device_name=describe_user_agent(user_agent(request)),
        trusted_source=trusted_source,
    )
    if secret is PASSWORD and not trusted_source:
        consume(request, group="login-address", key=ip, rate=settings.LOGIN_RATE_PER_ADDRESS)
    consume(request, group=secret.rate_group, key=attempt.key, rate=getattr(settings, secret.rate_setting))
    check_backoff([attempt.key] if trusted_source else [attempt.key, attempt.ip_key])
    return attempt


@contextmanager
def throttled_reauthentication(request: HttpRequest, user: User, secret: Secret = PASSWORD) -> Iterator[None]:
    """Throttle a signed-in user's own password or code as at sign-in.

    The block raises Invalid with the code WRONG_SECRET for a wrong one. A user without a password has none to guess.
    """
    if secret is PASSWORD and not user.has_usable_password():
        yield
        return
    attempt = start_attempt(request, user.email, secret)
    try:
        yield
    except Invalid as error:
        if any(field.code == WRONG_SECRET for field in error.fields):
            attempt.record_failure(user)
        raise
    attempt.record_success()
