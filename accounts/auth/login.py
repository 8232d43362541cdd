"""The sign-in pipeline: throttle -> verify -> email verified? -> MFA? -> open session.

The API, the pages and OpenID Connect all run it. Each enters with a credential: `verify_password` and `verify_challenge`
throttle and verify one; an OpenID identity and a passkey are verified by their own features. What comes next is decided
by `next_step` alone, for programs in `continue_api_login` and for browsers in `continue_browser_login`.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import cache

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone

from accounts.auth import pending_login, throttling
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.mfa import services as mfa
from accounts.auth.rate_limited_emails import send_verification_email
from accounts.auth.sessions import services as sessions
from accounts.auth.tokens import TokenPair
from accounts.models import User
from core.errors import NotAllowed, NotAuthenticated
from core.http.client_ip import client_ip, user_agent

BACKEND = "accounts.auth.backends.SessionBackend"


class LoginStep(Enum):
    VERIFY_EMAIL = auto()
    MFA = auto()
    OPEN_SESSION = auto()


def verify_password(request: HttpRequest, *, email: str, password: str) -> User:
    """Throttle the attempt, then verify the password.

    Raises RateLimited, and NotAuthenticated (`wrong_credentials`), which looks the same and takes the same time for an
    unknown address, a wrong password and a deactivated account.
    """
    attempt = throttling.start_attempt(request, email)
    user: User | None = User.objects.filter(email=email.strip().lower()).first()
    is_correct = user.check_password(password) if user else check_password(password, _placeholder_hash())
    if user is None or not is_correct or not user.is_active:
        attempt.record_failure(user)
        raise NotAuthenticated("Wrong email address or password.", code="wrong_credentials")
    attempt.record_success()
    return user


def verify_challenge(request: HttpRequest, *, token: str, code: str) -> User:
    """Throttle the attempt, then verify the MFA code of a sign-in that waits for it.

    Raises RateLimited, and NotAuthenticated (`challenge_not_valid`, `wrong_code`).
    """
    now = timezone.now()
    user = mfa.challenged_user(token=token, now=now)
    attempt = throttling.start_attempt(request, user.email, throttling.MFA_CODE)
    try:
        mfa.complete_challenge(token=token, code=code, now=now)
    except NotAuthenticated as error:
        if error.code == mfa.WRONG_CODE:
            attempt.record_failure(user)
        raise
    attempt.record_success()
    return user


def next_step(user: User, mfa_methods: list[str]) -> LoginStep:
    """Return what a sign-in needs next; `mfa_methods` are those the user has yet to use, empty after one was used."""
    if settings.REQUIRE_VERIFIED_EMAIL and not email_addresses.is_email_verified(user):
        return LoginStep.VERIFY_EMAIL
    return LoginStep.MFA if mfa_methods else LoginStep.OPEN_SESSION


def continue_api_login(
    request: HttpRequest, user: User, *, mfa_verified: bool = False
) -> TokenPair | mfa.IssuedChallenge:
    """Return the tokens of a new session, or the challenge to answer first.

    Raises NotAllowed (`email_not_verified`), after sending the verification email once more.
    """
    now, methods = timezone.now(), [] if mfa_verified else mfa.mfa_methods(user)
    step = next_step(user, methods)
    if step is LoginStep.VERIFY_EMAIL:
        send_verification_email(request, user)
        raise NotAllowed(
            "Confirm your email address first: open the link that we sent to it.", code="email_not_verified"
        )
    if step is LoginStep.MFA:
        return mfa.create_challenge(user=user, methods=methods, now=now)
    return sessions.open_session(user=user, now=now, user_agent=user_agent(request), address=client_ip(request))


def continue_browser_login(
    request: HttpRequest, user: User, *, next_url: str, mfa_verified: bool = False
) -> HttpResponse:
    """Sign the browser in and go to `next_url`, or to the next step's page.

    The row of the session is made by accounts.auth.sessions.middleware.
    """
    step = next_step(user, [] if mfa_verified else mfa.mfa_methods(user))
    if step is LoginStep.VERIFY_EMAIL:
        send_verification_email(request, user)
        return await_verified_email(request, user, email=user.email, next_url=next_url)
    if step is LoginStep.MFA:
        pending_login.save(request, user, next_url)
        return redirect("mfa_authenticate")
    pending_login.clear(request)
    auth.login(request, user, backend=BACKEND)
    return HttpResponseRedirect(next_url)


def await_verified_email(request: HttpRequest, user: User | None, *, email: str, next_url: str) -> HttpResponse:
    """Redirect to the page that says an email was sent.

    `user` is None after a registration with a taken address: cookie and page are the same then.
    """
    pending_login.save(request, user, next_url)
    messages.info(request, f"We sent a confirmation link to {email}.")
    return redirect("account_email_verification_sent")


@cache
def _placeholder_hash() -> str:
    """Return a hash that takes as long to check as that of a user."""
    return make_password("placeholder")
