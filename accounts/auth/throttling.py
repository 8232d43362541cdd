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

from accounts.auth.sessions import selectors as sessions_selectors
from accounts.models import User
from accounts.users import services as users
from core import rate_limits
from core.errors import Invalid
from core.http.client_ip import client_ip, user_agent
from core.http.user_agents import describe_user_agent
from core.rate_limits import Backoff, check_backoff, consume
from core.security.hashing import sha256_hex

ACCOUNT_BACKOFF, IP_BACKOFF = Backoff(free_attempts=10), Backoff(free_attempts=30)
# A code has six digits, so who knows the password and guesses on gets to 29 on the first day, and to six on any other.
MFA_BACKOFF = Backoff(free_attempts=10, window=24 * 3600, max_wait=4 * 3600)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """Whose account is tried and by whom; `caller` is empty for strangers. Neither an e-mail nor a secret is readable."""

    email_hash: str
    address: str
    trusted_source: str

    @property
    def account_key(self) -> str:
        return f"account:{self.email_hash}:{self.trusted_source}"

    @property
    def mfa_key(self) -> str:
        return f"mfa:{self.email_hash}:{self.trusted_source}"

    @property
    def ip_key(self) -> str:
        return f"address:{self.address}"

    def backoff_keys(self, account_key: str) -> list[str]:
        return [account_key] if self.trusted_source else [account_key, self.ip_key]


def check_login(request: HttpRequest, email: str) -> None:
    """Count one attempt to sign in, and raise TooMany for one too many."""
    attempt = _login_attempt(request, email)
    if not attempt.trusted_source:
        consume(request, group="login-address", key=attempt.address, rate=settings.LOGIN_RATE_PER_ADDRESS)
    consume(request, group="login-account", key=attempt.account_key, rate=settings.LOGIN_RATE_PER_ACCOUNT)
    check_backoff(attempt.backoff_keys(attempt.account_key))


def check_mfa(request: HttpRequest, user: User) -> None:
    """Count one code of a second factor before it is looked at, and raise TooMany for one too many."""
    attempt = _login_attempt(request, user.email)
    consume(request, group="mfa", key=attempt.mfa_key, rate=settings.MFA_RATE)
    check_backoff(attempt.backoff_keys(attempt.mfa_key))


@contextmanager
def throttled_reauthentication(request: HttpRequest, user: User, *, by_code: bool = False) -> Iterator[None]:
    """Somebody who is signed in sends the password, or a code, once more: one attempt, which is noted as right or wrong.

    The block raises services.WRONG for a wrong one. Who has no password can guess at none.
    """
    if not by_code and not user.has_usable_password():
        yield
        return
    check_mfa(request, user) if by_code else check_login(request, user.email)
    try:
        yield
    except Invalid as error:
        if any(one.code == users.WRONG_SECRET for one in error.fields):
            record_mfa_failure(request, user) if by_code else record_failure(request, user.email, user)
        raise
    reset_mfa_failures(request, user) if by_code else reset_failures(request, user.email)


def reset_failures(request: HttpRequest, email: str) -> None:
    rate_limits.reset_failures(_login_attempt(request, email).account_key)


def record_failure(request: HttpRequest, email: str, user: User | None) -> None:
    """A wrong password, or an address that nobody has: the wait grows, and it stands in the log."""
    attempt = _login_attempt(request, email)
    rate_limits.record_failure(attempt.account_key, ACCOUNT_BACKOFF)
    _record(request, attempt, user)


def reset_mfa_failures(request: HttpRequest, user: User) -> None:
    rate_limits.reset_failures(_login_attempt(request, user.email).mfa_key)


def record_mfa_failure(request: HttpRequest, user: User) -> None:
    attempt = _login_attempt(request, user.email)
    rate_limits.record_failure(attempt.mfa_key, MFA_BACKOFF)
    _record(request, attempt, user)


def _record(request: HttpRequest, attempt: LoginAttempt, user: User | None) -> None:
    if not attempt.trusted_source:
        rate_limits.record_failure(attempt.ip_key, IP_BACKOFF)
    device = describe_user_agent(user_agent(request))
    users.record_failed_login(user=user, address=attempt.address, device=device, now=timezone.now())


def _login_attempt(request: HttpRequest, email: str) -> LoginAttempt:
    known: dict[str, LoginAttempt] = request.__dict__.setdefault("_attempts", {})
    email = email.strip().lower()
    if email not in known:
        address, device = client_ip(request), sha256_hex(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""))
        trusted_source = sessions_selectors.find_trusted_device(email, device=device, address=address)
        known[email] = LoginAttempt(sha256_hex(email), address, trusted_source)
    return known[email]
