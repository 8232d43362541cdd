"""Adding and removing MFA methods. Each verb locks the user's row, so that concurrent changes see each other."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from accounts import policies
from accounts.auth.allauth.internals import RecoveryCodes
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import services as mfa
from accounts.auth.one_time_tokens import hash_token
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import services as sessions
from accounts.models import MfaChallenge, Session, User
from accounts.models.sessions import MFA_TYPES
from accounts.users.services import WRONG_SECRET
from core.errors import Conflict, Invalid, NotFound
from core.security.encryption import decrypt, encrypt

SETUP_LIFETIME = timedelta(minutes=15)
SETUP_PURPOSE = "totp setup"
SETUP_EXPIRED = gettext_noop("This setup has expired or was used before. Start again.")
Type = Authenticator.Type


class TotpSetup(NamedTuple):
    """An authenticator app that waits for its first code. `token` is the encrypted secret, for this user only."""

    secret: str
    uri: str
    token: str


class EnrollmentResult(NamedTuple):
    """The side effects of adding a method: recovery codes are created beside the first one."""

    has_new_recovery_codes: bool
    revoked_sessions: int


def begin_totp(*, user: User, now: datetime) -> TotpSetup:
    """Return a new secret. Nothing is stored before its first code comes. Raises Conflict."""
    require_can_add_method(user)
    secret = mfa.generate_secret()
    token = encrypt(f"{user.pk} {int(now.timestamp())} {secret}", purpose=SETUP_PURPOSE)
    return TotpSetup(secret, mfa.provisioning_uri(user.email, secret), token)


def resume_totp(*, user: User, token: str, now: datetime) -> TotpSetup:
    """Return the setup that a token stands for. Raises Invalid (field `setup_token`) for an old or forged one."""
    try:
        user_id, started_at, secret = decrypt(token, purpose=SETUP_PURPOSE).split(" ")
    except (InvalidToken, ValueError):
        user_id, started_at, secret = "", "0", ""
    if user_id != str(user.pk) or now.timestamp() - int(started_at) > SETUP_LIFETIME.total_seconds():
        raise Invalid.field("setup_token", SETUP_EXPIRED, "expired")
    return TotpSetup(secret, mfa.provisioning_uri(user.email, secret), token)


@transaction.atomic
def activate_totp(
    *, user: User, token: str, code: str, now: datetime, keep: uuid.UUID | None, address: str = ""
) -> EnrollmentResult:
    """Add the authenticator app whose first code is right. `keep` is the session to keep, see `_add`.

    Raises Invalid (`setup_token`, `code`), and Conflict where there is an app already or the email is not verified.
    """
    secret = resume_totp(user=user, token=token, now=now).secret
    steps = mfa.matching_steps(secret, code, now)
    if not steps:
        raise Invalid.field("code", gettext("Incorrect code."), WRONG_SECRET)
    # A setup is used once: who saw its token could add the same secret again after its owner removed the app.
    _, is_first_use = MfaChallenge.objects.get_or_create(
        token_hash=hash_token(secret), defaults={"user": user, "used_at": now, "expires_at": now + SETUP_LIFETIME}
    )
    if not is_first_use:
        raise Invalid.field("setup_token", SETUP_EXPIRED, "expired")
    # A code is used once (RFC 6238, section 5.2), also the one that activates the app.
    data = {"secret": encrypt(secret, purpose=mfa.ENCRYPTION_PURPOSE), mfa.LAST_TOTP_STEP: max(steps)}
    return _add(user, Type.TOTP, data, "totp_activated", now=now, keep=keep, address=address)


@transaction.atomic
def deactivate_totp(*, user: User, now: datetime, address: str = "") -> None:
    """Remove the authenticator app. Raises NotFound."""
    _remove(user, {"type": Type.TOTP}, "totp_deactivated", now=now, address=address)


@transaction.atomic
def add_passkey(
    *, user: User, name: str, credential: dict[str, Any], now: datetime, keep: uuid.UUID | None, address: str = ""
) -> EnrollmentResult:
    """Add a passkey whose registration was verified. Raises Conflict."""
    data = {"name": name, "credential": credential}
    return _add(user, Type.WEBAUTHN, data, "webauthn_added", now=now, keep=keep, address=address)


@transaction.atomic
def rename_passkey(*, user: User, passkey_id: int, name: str) -> None:
    """Give a passkey of the user another name. Raises NotFound."""
    passkey = Authenticator.objects.select_for_update().filter(user=user, type=Type.WEBAUTHN, pk=passkey_id).first()
    if passkey is None:
        raise NotFound(gettext("There is no such passkey."))
    Authenticator.objects.filter(pk=passkey.pk).update(data={**passkey.data, "name": name})


@transaction.atomic
def remove_passkey(*, user: User, passkey_id: int, now: datetime, address: str = "") -> None:
    """Remove a passkey of the user. Raises NotFound."""
    _remove(user, {"type": Type.WEBAUTHN, "pk": passkey_id}, "webauthn_removed", now=now, address=address)


@transaction.atomic
def generate_recovery_codes(*, user: User, now: datetime, address: str = "") -> None:
    """Replace the recovery codes, see `show_recovery_codes_once`. Raises Conflict for a user without an MFA method."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not login_methods_selectors.has_mfa(user):
        raise Conflict(gettext("Add an authenticator app or a passkey first."), code="mfa_required")
    Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).delete()
    _create_recovery_codes(user, now)
    notify_security_change(user=user, change="recovery_codes_generated", now=now, address=address)


@transaction.atomic
def show_recovery_codes_once(*, user: User) -> list[str] | None:
    """Return the unused recovery codes the first time, and None after that. Raises NotFound."""
    row = Authenticator.objects.select_for_update().filter(user=user, type=Type.RECOVERY_CODES).first()
    if row is None:
        raise NotFound(gettext("There are no recovery codes."))
    codes = row.wrap()
    if codes.did_view:
        return None
    codes.mark_as_viewed()
    unused: list[str] = codes.get_unused_codes()
    return unused


def require_can_add_method(user: User) -> None:
    """Raise Conflict where the address is not verified: a user who registered with another's would lock its owner out."""
    if settings.REQUIRE_VERIFIED_EMAIL and not email_addresses.is_email_verified(user):
        raise Conflict(
            gettext("Confirm your email address first: open the link that we sent to it."), code="email_not_verified"
        )


def _add(
    user: User,
    kind: str,
    data: dict[str, Any],
    change: str,
    *,
    now: datetime,
    keep: uuid.UUID | None,
    address: str,
) -> EnrollmentResult:
    """Add a method. The first one revokes all sessions but `keep`: they were opened by a password, perhaps a stolen one."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    require_can_add_method(user)
    # Opening a session takes the same lock. A sign-in that verified only a password is revoked below if it came
    # first, and refused by open_session() if it comes later.
    had_mfa = login_methods_selectors.has_mfa(user)
    if kind == Type.TOTP and Authenticator.objects.filter(user=user, type=kind).exists():
        raise Conflict(gettext("There is an authenticator app already. Remove it first."), code="totp_exists")
    Authenticator.objects.create(user=user, type=kind, data=data, created_at=now)
    revoked = 0
    if not had_mfa:
        others = Session.objects.open(now).filter(user=user).excluding(keep)
        revoked = sessions.revoke(others, actor=user, now=now, reason="second factor set up")
    notify_security_change(user=user, change=change, now=now, address=address)
    has_recovery_codes = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).exists()
    if not has_recovery_codes:
        _create_recovery_codes(user, now)
    return EnrollmentResult(not has_recovery_codes, revoked)


def _create_recovery_codes(user: User, now: datetime) -> None:
    """Create recovery codes. allauth takes the clock of the process, which does not decide how long a link is valid."""
    RecoveryCodes.activate(user)
    Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).update(created_at=now)


def _remove(user: User, columns: dict[str, Any], change: str, *, now: datetime, address: str) -> None:
    """Remove a method. The last one takes the recovery codes along, which are no method of their own."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    methods = list(Authenticator.objects.filter(user=user).order_by("pk"))
    removed = list(Authenticator.objects.filter(user=user, **columns))
    if not removed:
        raise NotFound(gettext("There is no such method."))
    # Recovery codes that were left behind would look like MFA and protect nothing.
    if not any(item.type in MFA_TYPES for item in methods if item not in removed):
        removed = methods
    Authenticator.objects.filter(pk__in=[item.pk for item in removed]).delete()
    notify_security_change(user=user, change=change, now=now, address=address, removed_methods=removed)


@transaction.atomic
def reset_mfa(*, actor: User, users: Collection[User], now: datetime) -> int:
    """Remove all MFA methods of users who lost their phone and codes, and tell them. Returns how many had any."""
    policies.require_manager(actor)
    count = 0
    for user in users:
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if removed:
            notify_security_change(user=user, change="mfa_reset", now=now, actor=actor)
            count += 1
    return count
