"""The second step of a sign-in: a code of an authenticator app, a recovery code, or a passkey."""

from __future__ import annotations

import hashlib
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

from accounts.models import SignInChallenge, User
from core.errors import NotSignedIn
from core.sealing import seal_anew

MOST_ATTEMPTS = 5
# What an API client may name in its own words; a passkey needs a browser.
FACTORS = {"totp": "code", "recovery_codes": "recovery_code", "webauthn": "passkey"}
SEALED_FOR = "second factor"
LAST_STEP = "last_step"
WRONG_CODE = "wrong_code"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a program that knows the password is told; `token` is told once."""

    token: str
    factors: list[str]
    seconds: int


def factors_of(person: User) -> list[str]:
    """Return what may be the second step of this person's sign-in; nothing if there is no second step."""
    types = set(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    return [word for kind, word in FACTORS.items() if kind in types] if types - {"recovery_codes"} else []


def open_challenge(*, person: User, now: datetime) -> Challenge | None:
    """Ask for the second step of a sign-in whose password was right; None for a person who has none."""
    factors = factors_of(person)
    if not factors:
        return None
    token = secrets.token_urlsafe(32)
    SignInChallenge.objects.create(
        user=person,
        digest=_digest(token),
        password_hash=person.get_session_auth_hash(),
        created_at=now,
        expires_at=now + settings.SECOND_FACTOR_LIFETIME,
    )
    return Challenge(token, factors, int(settings.SECOND_FACTOR_LIFETIME.total_seconds()))


def person_challenged(*, token: str, now: datetime) -> User:
    """Return whom an open challenge is for; raises NotSignedIn."""
    open_ones = SignInChallenge.objects.filter(used_at=None, expires_at__gt=now, attempts__lt=MOST_ATTEMPTS)
    row = open_ones.select_related("user").filter(digest=_digest(token), user__is_active=True).first()
    if row is None or not constant_time_compare(row.password_hash, row.user.get_session_auth_hash()):
        raise NotSignedIn("This sign-in is over. Begin again with the password.", code="challenge_not_valid")
    person: User = row.user
    return person


def finish_challenge(*, token: str, code: str, now: datetime) -> User:
    """Return the person whose code is right. One row, locked, decides that a challenge is answered once."""
    person = person_challenged(token=token, now=now)
    if not _answer(_digest(token), person, code, now):
        raise NotSignedIn("The code is wrong.", code=WRONG_CODE)
    return person


@transaction.atomic
def _answer(digest: str, person: User, code: str, now: datetime) -> bool:
    row = SignInChallenge.objects.select_for_update().filter(digest=digest, used_at=None).first()
    if row is None or row.attempts >= MOST_ATTEMPTS:
        raise NotSignedIn("This sign-in is over. Begin again with the password.", code="challenge_not_valid")
    is_right = accept_code(person=person, code=code, now=now) is not None
    SignInChallenge.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, used_at=now if is_right else None)
    return is_right


@transaction.atomic
def accept_code(*, person: User, code: str, now: datetime) -> Authenticator | None:
    """Use up a code of the person's app or one of their recovery codes; None when it is neither, or was used before.

    The rows are locked: of two that send the same code at once, one comes in.
    """
    mine = Authenticator.objects.select_for_update().filter(user=person).exclude(type="webauthn").order_by("-type")
    for authenticator in mine:
        is_app = authenticator.type == Authenticator.Type.TOTP
        if _accept_step(authenticator, code, now) if is_app else authenticator.wrap().validate_code(code):
            authenticator.user = person
            return authenticator
    return None


def _accept_step(authenticator: Authenticator, code: str, now: datetime) -> bool:
    """Take the code of this half minute, the one before or the one after, and none that is not newer than the last.

    RFC 6238, section 5.2: the database remembers which was the last, so that no lost cache takes one twice.
    """
    secret = decrypt(authenticator.data["secret"])
    present = int(now.timestamp()) // mfa.TOTP_PERIOD
    sent = re.sub(r"[\s-]", "", code)
    for step in (present - 1, present, present + 1):
        is_same = hmac.compare_digest(sent.encode(), format_hotp_value(hotp_value(secret, step)).encode())
        if is_same and step > authenticator.data.get(LAST_STEP, 0):
            Authenticator.objects.filter(pk=authenticator.pk).update(data={**authenticator.data, LAST_STEP: step})
            return True
    return False


@transaction.atomic
def seal_factors_anew() -> int:
    """Seal the secrets of apps and recovery codes with the present SECRET_KEY; returns how many there are.

    Raises cryptography.fernet.InvalidToken when one was sealed with a key that is neither present nor a fallback.
    """
    mine = list(Authenticator.objects.select_for_update().exclude(type="webauthn").order_by("pk"))
    for one in mine:
        name = "secret" if one.type == Authenticator.Type.TOTP else "seed"
        Authenticator.objects.filter(pk=one.pk).update(
            data={**one.data, name: seal_anew(one.data[name], purpose=SEALED_FOR)}
        )
    return len(mine)


def purge_challenges(*, now: datetime) -> int:
    """Forget the halves of sign-ins whose time is over; returns how many."""
    removed, _ = SignInChallenge.objects.filter(expires_at__lt=now).delete()
    return removed


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
