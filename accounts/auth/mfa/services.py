"""The secrets of MFA methods, and verifying their codes: at sign-in with a challenge, and at reauthentication."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext, gettext_noop

from accounts.auth.one_time_tokens import hash_token, new_token
from accounts.auth.security_notifications import notify_security_change
from accounts.models import MfaChallenge, SecurityChange, User
from core.errors import NotAuthenticated
from core.security.encryption import decrypt, encrypt, rotate

MAX_ATTEMPTS = 5
# The names of the methods in the API; a passkey needs a browser.
METHOD_NAMES = {"totp": "code", "recovery_codes": "recovery_code", "webauthn": "passkey"}
ENCRYPTION_PURPOSE = "mfa"
LAST_TOTP_STEP = "last_step"
SIGNATURE_COUNT, LAST_CHALLENGE = "signature_count", "last_challenge"
WRONG_CODE = "wrong_code"
CHALLENGE_EXPIRED = gettext_noop("This sign-in has expired. Sign in again with your password.")


# Time-based one-time passwords (RFC 6238) as all authenticator apps have them: SHA-1, six digits, 30 seconds.
PERIOD = 30
DIGITS = 6
ISSUER = "TaskFlow"


log = structlog.get_logger(__name__)


class MfaAdapter(DefaultMFAAdapter):
    """Keep the secrets of MFA methods encrypted: a copy of the database must not be enough to sign in."""

    def encrypt(self, text: str) -> str:
        return encrypt(text, purpose=ENCRYPTION_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret that no code fits where the key is gone: the user has lost that method."""
        try:
            return decrypt(encrypted_text, purpose=ENCRYPTION_PURPOSE)
        except InvalidToken:
            log.error("mfa_secret_undecryptable", advice="keep the former key in SECRET_KEY_FALLBACKS")
            return generate_secret()

    def _get_site_name(self) -> str:
        return ISSUER


@dataclass(frozen=True, slots=True)
class IssuedChallenge:
    """A challenge for an API client whose password was right. `token` is shown once, `expires_in` is in seconds."""

    token: str
    methods: list[str]
    expires_in: int


def create_challenge(*, user: User, methods: list[str], now: datetime) -> IssuedChallenge:
    """Create the challenge of a sign-in whose password was right."""
    token = new_token()
    MfaChallenge.objects.create(
        user=user,
        token_hash=token.hash,
        password_hash=user.get_session_auth_hash(),
        created_at=now,
        expires_at=now + settings.MFA_CHALLENGE_LIFETIME,
    )
    return IssuedChallenge(token.token, methods, int(settings.MFA_CHALLENGE_LIFETIME.total_seconds()))


def challenged_user(*, token: str, now: datetime) -> User:
    """Return the user of an open challenge. Raises NotAuthenticated (`challenge_not_valid`)."""
    rows = MfaChallenge.objects.filter(used_at=None, expires_at__gt=now, attempts__lt=MAX_ATTEMPTS)
    challenge = rows.select_related("user").filter(token_hash=hash_token(token), user__is_active=True).first()
    if challenge is None or not constant_time_compare(challenge.password_hash, challenge.user.get_session_auth_hash()):
        raise NotAuthenticated(CHALLENGE_EXPIRED, code="challenge_not_valid")
    user: User = challenge.user
    return user


def complete_challenge(*, token: str, code: str, now: datetime) -> User:
    """Return the user whose code is right. One locked row decides that a challenge is completed once.

    Raises NotAuthenticated (`challenge_not_valid`, `wrong_code`).
    """
    user = challenged_user(token=token, now=now)
    with transaction.atomic():
        rows = MfaChallenge.objects.select_for_update().filter(token_hash=hash_token(token), used_at=None)
        challenge = rows.filter(attempts__lt=MAX_ATTEMPTS).first()
        if challenge is None:
            raise NotAuthenticated(CHALLENGE_EXPIRED, code="challenge_not_valid")
        # Within the lock: of concurrent requests with right codes one completes the challenge.
        is_correct = verify_code(user=user, code=code, now=now) is not None
        used_at = now if is_correct else None
        MfaChallenge.objects.filter(pk=challenge.pk).update(attempts=F("attempts") + 1, used_at=used_at)
    if not is_correct:  # raised outside the transaction, which counts the attempt
        raise NotAuthenticated(gettext("The code is wrong."), code=WRONG_CODE)
    return user


@transaction.atomic
def verify_code(*, user: User, code: str, now: datetime) -> Authenticator | None:
    """Use a code of the user's app or one of their recovery codes. Returns None for a wrong or used one.

    The rows are locked: of two requests with the same code at once, one succeeds.
    """
    # By type downwards: the app's code is compared before the recovery codes, which are used up.
    rows = Authenticator.objects.select_for_update().filter(user=user).exclude(type="webauthn").order_by("-type")
    for authenticator in rows:
        is_totp = authenticator.type == Authenticator.Type.TOTP
        if _verify_totp(authenticator, code, now) if is_totp else authenticator.wrap().validate_code(code):
            authenticator.user = user
            return authenticator
    return None


def _verify_totp(authenticator: Authenticator, code: str, now: datetime) -> bool:
    """Accept a code once (RFC 6238, section 5.2): its step has to be later than that of the last accepted code.

    The database keeps the last step, so that a lost cache accepts none twice.
    """
    secret = get_adapter().decrypt(authenticator.data["secret"])
    steps = matching_steps(secret, code, now)
    # A code of an earlier step is refused as well: it may have been read over the user's shoulder.
    step = next((item for item in steps if item > authenticator.data.get(LAST_TOTP_STEP, 0)), None)
    if step is None:
        return False
    Authenticator.objects.filter(pk=authenticator.pk).update(data={**authenticator.data, LAST_TOTP_STEP: step})
    return True


def record_passkey_use(
    passkey: Authenticator, *, challenge: str, signature_count: int, now: datetime, address: str = ""
) -> None:
    """Accept a signature once. One locked row decides between concurrent requests with the same one.

    A counter that doesn't rise (WebAuthn level 2, section 7.2, step 21) tells of a copy of the passkey; synchronized
    passkeys always send 0. Raises NotAuthenticated (`passkey_replayed`, `passkey_copied`).
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=passkey.pk).select_related("user").first()
        if row is None or row.data.get(LAST_CHALLENGE) == challenge:
            raise NotAuthenticated(gettext("This challenge was used."), code="passkey_replayed")
        last_count = row.data.get(SIGNATURE_COUNT, row.wrap().authenticator_data.counter)
        is_copied = bool(signature_count or last_count) and signature_count <= last_count
        changes = {LAST_CHALLENGE: challenge} | ({} if is_copied else {SIGNATURE_COUNT: signature_count})
        Authenticator.objects.filter(pk=row.pk).update(data={**row.data, **changes})
        if is_copied:
            # One email for each count, although a copy can be tried again and again.
            dedup_key = f"{row.pk} {last_count}"
            notify_security_change(
                user=row.user, change="passkey_refused", now=now, address=address, dedup_key=dedup_key
            )
    if is_copied:  # raised outside the transaction, which records it
        raise NotAuthenticated(gettext("This passkey may have been copied."), code="passkey_copied")


@transaction.atomic
def reencrypt_secrets() -> int:
    """Encrypt the secrets of apps and recovery codes with the present SECRET_KEY. Returns how many there are.

    Raises cryptography.fernet.InvalidToken when one was encrypted with a key that is neither present nor a fallback.
    """
    authenticators = list(Authenticator.objects.select_for_update().exclude(type="webauthn").order_by("pk"))
    for authenticator in authenticators:
        name = "secret" if authenticator.type == Authenticator.Type.TOTP else "seed"
        data = {**authenticator.data, name: rotate(authenticator.data[name], purpose=ENCRYPTION_PURPOSE)}
        Authenticator.objects.filter(pk=authenticator.pk).update(data=data)
    # Those that a link can still restore.
    for change in SecurityChange.objects.select_for_update().exclude(removed_methods=[]).order_by("pk"):
        for method in change.removed_methods:
            for name in {"secret", "seed"} & set(method["data"]):
                method["data"][name] = rotate(method["data"][name], purpose=ENCRYPTION_PURPOSE)
        change.save(update_fields=["removed_methods"])
    return len(authenticators)


def purge_challenges(*, now: datetime) -> int:
    """Delete expired challenges. Returns how many."""
    removed, _ = MfaChallenge.objects.filter(expires_at__lt=now).delete()
    return removed


def generate_secret() -> str:
    """Return 160 random bits in base 32, as long as RFC 4226 recommends."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at_step(secret: str, step: int) -> str:
    """Return the HOTP value of a counter (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret.encode(), casefold=True), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_steps(secret: str, code: str, now: datetime) -> list[int]:
    """Return the time steps with this code, among the present one and its two neighbours."""
    code = re.sub(r"[\s-]", "", code)
    step = int(now.timestamp()) // PERIOD
    steps = (step - 1, step, step + 1)
    return [item for item in steps if hmac.compare_digest(code.encode(), code_at_step(secret, item).encode())]


def provisioning_uri(email: str, secret: str) -> str:
    """Return the `otpauth://` URI that an app reads from the QR code."""
    label = quote(f"{ISSUER}:{email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER}, quote_via=quote)}"
