"""The second step of a sign-in: a code of an authenticator app, a recovery code, or a passkey."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa import app_settings as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare

from accounts.models import MfaChallenge, User
from core.errors import NotAuthenticated
from core.security.encryption import rotate
from core.security.hashing import sha256_hex

MAX_ATTEMPTS = 5
# What an API client may name in its own words; a passkey needs a browser.
METHOD_NAMES = {"totp": "code", "recovery_codes": "recovery_code", "webauthn": "passkey"}
ENCRYPTION_PURPOSE = "second factor"
LAST_TOTP_STEP = "last_step"
WRONG_CODE = "wrong_code"


@dataclass(frozen=True, slots=True)
class IssuedChallenge:
    """What a program that knows the password is told; `token` is told once."""

    token: str
    methods: list[str]
    expires_in: int


def mfa_methods(user: User) -> list[str]:
    """Return what may be the second step of this person's sign-in; nothing if there is no second step."""
    types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return [word for kind, word in METHOD_NAMES.items() if kind in types] if types - {"recovery_codes"} else []


def create_challenge(*, user: User, now: datetime) -> IssuedChallenge | None:
    """Ask for the second step of a sign-in whose password was right; None for a person who has none."""
    methods = mfa_methods(user)
    if not methods:
        return None
    token = secrets.token_urlsafe(32)
    MfaChallenge.objects.create(
        user=user,
        token_hash=_hash_token(token),
        password_hash=user.get_session_auth_hash(),
        created_at=now,
        expires_at=now + settings.MFA_CHALLENGE_LIFETIME,
    )
    return IssuedChallenge(token, methods, int(settings.MFA_CHALLENGE_LIFETIME.total_seconds()))


def challenged_user(*, token: str, now: datetime) -> User:
    """Return whom an open challenge is for; raises NotSignedIn."""
    open_ones = MfaChallenge.objects.filter(used_at=None, expires_at__gt=now, attempts__lt=MAX_ATTEMPTS)
    row = open_ones.select_related("user").filter(token_hash=_hash_token(token), user__is_active=True).first()
    if row is None or not constant_time_compare(row.password_hash, row.user.get_session_auth_hash()):
        raise NotAuthenticated("This sign-in is over. Begin again with the password.", code="challenge_not_valid")
    user: User = row.user
    return user


def complete_challenge(*, token: str, code: str, now: datetime) -> User:
    """Return the person whose code is right. One row, locked, decides that a challenge is answered once."""
    user = challenged_user(token=token, now=now)
    if not _use_code(_hash_token(token), user, code, now):
        raise NotAuthenticated("The code is wrong.", code=WRONG_CODE)
    return user


@transaction.atomic
def _use_code(token_hash: str, user: User, code: str, now: datetime) -> bool:
    row = MfaChallenge.objects.select_for_update().filter(token_hash=token_hash, used_at=None).first()
    if row is None or row.attempts >= MAX_ATTEMPTS:
        raise NotAuthenticated("This sign-in is over. Begin again with the password.", code="challenge_not_valid")
    is_right = verify_code(user=user, code=code, now=now) is not None
    MfaChallenge.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, used_at=now if is_right else None)
    return is_right


@transaction.atomic
def verify_code(*, user: User, code: str, now: datetime) -> Authenticator | None:
    """Use up a code of the person's app or one of their recovery codes; None when it is neither, or was used before.

    The rows are locked: of two that send the same code at once, one comes in.
    """
    mine = Authenticator.objects.select_for_update().filter(user=user).exclude(type="webauthn").order_by("-type")
    for authenticator in mine:
        is_app = authenticator.type == Authenticator.Type.TOTP
        if _verify_totp(authenticator, code, now) if is_app else authenticator.wrap().validate_code(code):
            authenticator.user = user
            return authenticator
    return None


def _verify_totp(authenticator: Authenticator, code: str, now: datetime) -> bool:
    """Take the code of this half minute, the one before or the one after, and none that is not newer than the last.

    RFC 6238, section 5.2: the database remembers which was the last, so that no lost cache takes one twice.
    """
    secret = decrypt(authenticator.data["secret"])
    present = int(now.timestamp()) // mfa.TOTP_PERIOD
    sent = re.sub(r"[\s-]", "", code)
    for step in (present - 1, present, present + 1):
        is_same = hmac.compare_digest(sent.encode(), format_hotp_value(hotp_value(secret, step)).encode())
        if is_same and step > authenticator.data.get(LAST_TOTP_STEP, 0):
            Authenticator.objects.filter(pk=authenticator.pk).update(data={**authenticator.data, LAST_TOTP_STEP: step})
            return True
    return False


@transaction.atomic
def reencrypt_secrets() -> int:
    """Seal the secrets of apps and recovery codes with the present SECRET_KEY; returns how many there are.

    Raises cryptography.fernet.InvalidToken when one was sealed with a key that is neither present nor a fallback.
    """
    mine = list(Authenticator.objects.select_for_update().exclude(type="webauthn").order_by("pk"))
    for one in mine:
        name = "secret" if one.type == Authenticator.Type.TOTP else "seed"
        Authenticator.objects.filter(pk=one.pk).update(
            data={**one.data, name: rotate(one.data[name], purpose=ENCRYPTION_PURPOSE)}
        )
    return len(mine)


def purge_challenges(*, now: datetime) -> int:
    """Forget the halves of sign-ins whose time is over; returns how many."""
    removed, _ = MfaChallenge.objects.filter(expires_at__lt=now).delete()
    return removed


def _hash_token(token: str) -> str:
    return sha256_hex(token)
