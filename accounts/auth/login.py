"""The sign-in pipeline: throttle -> verify -> email verified? -> MFA? -> open session.

The API, the pages and OpenID Connect all run it. Each enters with a credential: `verify_password` and `verify_challenge`
throttle and verify one; an OpenID identity and a passkey are verified by their own features. Programs go on in
`continue_api_login`, browsers in `continue_browser_login`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from accounts import events
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.mfa import services as mfa
from accounts.auth.rate_limited_emails import (
    REGISTRATION_EMAIL_GROUP,
    send_account_exists_email,
    send_verification_email,
)
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.device_cookies import device_hashes
from accounts.auth.sessions.middleware import MFA_VERIFIED_KEY
from accounts.auth.sessions.services import TokenPair, issue_tokens
from accounts.events import user_payload
from accounts.models import Session, User
from accounts.users import selectors as users_selectors
from accounts.users import services as users
from accounts.users.locales import Locale
from accounts.users.services import WRONG_SECRET
from core.clock import current_time
from core.errors import DomainError, Invalid, NotAllowed, NotAuthenticated
from core.http.client_ip import client_ip, describe_user_agent, user_agent
from core.rate_limits import Backoff, Use, check_backoff, consume, record_failure, reset_failures
from core.security.hashing import sha256_hex
from core.text import normalize_email
from events.outbox import publish

PENDING_LOGIN_KEY = "_pending_login"
PENDING_LOGIN_MAX_AGE = 15 * 60
WRONG_CREDENTIALS = "wrong_credentials"


class Secret(NamedTuple):
    """A kind of secret that can be guessed, and how fast.

    `rate_group` and `rate_setting` name the limit of all attempts, `backoff` that of the wrong ones.
    """

    name: str
    rate_group: str
    rate_setting: str
    backoff: Backoff


# Codes are counted apart from passwords, because a right password says nothing about wrong codes.
PASSWORD = Secret("account", "login-account", "LOGIN_RATE_PER_ACCOUNT", Backoff(free_attempts=10))
# A code has six digits: an attacker who has the password gets 29 guesses on the first day and six on any other.
MFA_CODE = Secret("mfa", "mfa", "MFA_RATE", Backoff(free_attempts=10, window=24 * 3600, max_wait=4 * 3600))
IP_BACKOFF = Backoff(free_attempts=30)


class PendingLogin(NamedTuple):
    """A browser's sign-in that waits for an MFA code, a passkey or a mailed link."""

    user: User
    next_url: str


@contextmanager
def throttled(request: HttpRequest, user: User | None, *, email: str = "", secret: Secret = PASSWORD) -> Iterator[None]:
    """Throttle one attempt at a secret of an account: a rate before it, a growing backoff after a wrong one.

    The block raises an error with the code WRONG_SECRET, WRONG_CREDENTIALS or `mfa.WRONG_CODE` for a wrong secret.
    `email` is the address in normal form, for which there may be no `user`. Raises RateLimited.
    """
    email, ip = user.email if user else email, client_ip(request)
    # Programs send no cookie.
    hashes = device_hashes(request) if request.COOKIES else []
    known = Session.objects.filter(user__email=email, is_untrusted=False).aggregate(
        device=Max("device_hash", filter=Q(device_hash__in=hashes, kind=Session.Kind.BROWSER)),
        address=Count("pk", filter=Q(ip_address=ip)),
    )
    # Callers from unknown devices share one counter per account, so a thousand addresses guess no faster than one. A
    # device or address of an earlier session has a counter of its own: an attacker cannot lock the user out.
    trusted_source = known["device"] or (known["address"] and ip) or ""
    key, ip_key = f"{secret.name}:{sha256_hex(email)}:{trusted_source}", f"address:{ip}"
    if secret is PASSWORD and not trusted_source:
        consume(request, Use("login-address", ip, settings.LOGIN_RATE_PER_ADDRESS))
    consume(request, Use(secret.rate_group, key, getattr(settings, secret.rate_setting)))
    check_backoff([key] if trusted_source else [key, ip_key])
    try:
        yield
    except DomainError as error:
        if {error.code, *(field.code for field in error.fields)} & {WRONG_SECRET, WRONG_CREDENTIALS, mfa.WRONG_CODE}:
            # Attempts at unknown addresses are published too, so that both cases take the same time.
            payload = user_payload(user) if user else events.ANONYMOUS_USER
            event = events.LoginFailed(user=payload, address=ip, device=describe_user_agent(user_agent(request)))
            with transaction.atomic():
                publish(event, actor=None, at=current_time())
            # At last: an attempt that ends here by an outage is not counted.
            record_failure(key, secret.backoff)
            if not trusted_source:
                record_failure(ip_key, IP_BACKOFF)
        raise
    reset_failures(key)


def register(request: HttpRequest, *, email: str, name: str, password: str, locale: Locale) -> User | None:
    """Register a user and send the verification email. Raises RateLimited, Invalid.

    Returns None for a taken address where REQUIRE_VERIFIED_EMAIL is set. The response must be that to a new one, so that
    it does not tell who has an account; the owner of the address gets an email about it instead.
    """
    consume(request, Use("register", client_ip(request), settings.REGISTER_RATE))
    try:
        user = users.register(email=email, name=name, password=password, locale=locale)
    except Invalid as error:
        if not (settings.REQUIRE_VERIFIED_EMAIL and error.has_error("email", "taken")):
            raise
        send_account_exists_email(request, email)
        return None
    send_verification_email(request, user, group=REGISTRATION_EMAIL_GROUP)
    return user


def verify_password(request: HttpRequest, *, email: str, password: str) -> User:
    """Throttle the attempt, then verify the password.

    Raises RateLimited, and NotAuthenticated (`wrong_credentials`), which looks the same and takes the same time for an
    unknown address, a wrong password and a deactivated account.
    """
    email = email.strip().lower()
    # Few addresses have other spellings, so that most sign-ins are spared this.
    if not email.isascii() or "xn--" in email or '"' in email:
        email = normalize_email(email)
    user: User | None = User.objects.filter(email=email).first()
    with throttled(request, user, email=email):
        # A hash is computed for an unknown address too, so the time does not tell whether there is an account.
        is_correct = user.check_password(password) if user else check_password(password, _placeholder_hash())
        if user is None or not is_correct or not user.is_active:
            raise NotAuthenticated(gettext("Wrong email address or password."), code=WRONG_CREDENTIALS)
    return user


@cache
def _placeholder_hash() -> str:
    """Return a hash that takes as long to check as that of a user."""
    return make_password("placeholder")


def verify_challenge(request: HttpRequest, *, token: str, code: str) -> User:
    """Throttle the attempt, then verify the MFA code of a sign-in that waits for it.

    Raises RateLimited, and NotAuthenticated (`challenge_not_valid`, `wrong_code`).
    """
    now = current_time()
    user = mfa.challenged_user(token=token, now=now)
    with throttled(request, user, secret=MFA_CODE):
        return mfa.complete_challenge(token=token, code=code, now=now)


def mfa_methods(user: User) -> list[str]:
    """Return the methods that the user may finish a sign-in with; empty without MFA. Recovery codes alone are none."""
    types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return [name for kind, name in mfa.METHOD_NAMES.items() if kind in types] if types - {"recovery_codes"} else []


def continue_api_login(
    request: HttpRequest, user: User, *, mfa_verified: bool = False
) -> TokenPair | mfa.IssuedChallenge:
    """Return the tokens of a new session, or the challenge to answer first.

    Raises NotAllowed (`email_not_verified`), after sending the verification email once more.
    """
    now = current_time()
    if settings.REQUIRE_VERIFIED_EMAIL and not email_addresses.is_email_verified(user):
        send_verification_email(request, user)
        raise NotAllowed(
            gettext("Confirm your email address first: open the link that we sent to it."), code="email_not_verified"
        )
    if not mfa_verified and (methods := mfa_methods(user)):
        return mfa.create_challenge(user=user, methods=methods, now=now)
    session = sessions.open_session(
        user=user, now=now, user_agent=user_agent(request), address=client_ip(request), mfa_verified=mfa_verified
    )
    return issue_tokens(session)


def continue_browser_login(
    request: HttpRequest, user: User, *, next_url: str, mfa_verified: bool = False
) -> HttpResponse:
    """Sign the browser in and go to `next_url`, or to the next step's page.

    The row of the session is made by accounts.auth.sessions.middleware.
    """
    if settings.REQUIRE_VERIFIED_EMAIL and not email_addresses.is_email_verified(user):
        send_verification_email(request, user)
        return await_verified_email(request, user, email=user.email, next_url=next_url)
    if not mfa_verified and mfa_methods(user):
        save_pending_login(request, user, next_url)
        return redirect("mfa_authenticate")
    request.session.pop(PENDING_LOGIN_KEY, None)
    # It replaces the session's key, against session fixation. So what the row needs to know is stored after it.
    auth.login(request, user)
    request.session[MFA_VERIFIED_KEY] = mfa_verified
    return HttpResponseRedirect(next_url)


def await_verified_email(request: HttpRequest, user: User | None, *, email: str, next_url: str) -> HttpResponse:
    """Redirect to the page that says an email was sent.

    `user` is None after a registration with a taken address: cookie and page are the same then.
    """
    save_pending_login(request, user, next_url)
    messages.info(request, gettext("We sent a confirmation link to %(email)s.") % {"email": email})
    return redirect("account_email_verification_sent")


def save_pending_login(request: HttpRequest, user: User | None, next_url: str) -> None:
    """Remember a sign-in in the browser's session. Without a user it leads nowhere, and looks the same from outside.

    Revoking the user's sessions does not end it, because it has no row yet. So the hash of the password it began with
    is kept, and compared whenever it is loaded.
    """
    request.session[PENDING_LOGIN_KEY] = {
        "user": str(user.pk) if user else "",
        "password_hash": user.get_session_auth_hash() if user else "",
        "next": next_url,
        "started_at": int(current_time().timestamp()),
    }


def load_pending_login(request: HttpRequest) -> PendingLogin | None:
    """Return the sign-in that waits in this browser, and forget one that is over."""
    data = request.session.get(PENDING_LOGIN_KEY)
    if data is None:
        return None
    user = users_selectors.find_active_user(data["user"]) if data["user"] else None
    is_recent = current_time().timestamp() - data["started_at"] <= PENDING_LOGIN_MAX_AGE
    # A password changed meanwhile, perhaps because it was stolen, ends the sign-in that began with it.
    if user and is_recent and constant_time_compare(data["password_hash"], user.get_session_auth_hash()):
        return PendingLogin(user, data["next"])
    if not data["user"] and is_recent:
        return None  # kept like any other, so that a registration with a taken address cannot be told apart
    del request.session[PENDING_LOGIN_KEY]
    return None
