"""MFA methods of users, and the codes of their authenticator apps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator

from accounts.auth.allauth.internals import RecoveryCodes
from accounts.auth.mfa import services as mfa
from accounts.models import User
from core.security.encryption import encrypt

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_totp(user: User) -> User:
    data = {"secret": encrypt(SECRET, purpose=mfa.ENCRYPTION_PURPOSE)}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)
    RecoveryCodes.activate(user)
    return user


def with_passkey(user: User) -> User:
    """Add a passkey that no device holds; enough to make MFA required."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": {}})
    return user


def code_at(when: datetime, *, secret: str = SECRET) -> str:
    return mfa.code_at_step(secret, int(when.timestamp()) // mfa.PERIOD)


def recovery_codes(user: User) -> list[str]:
    codes: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return codes


def totp_form(page: Any, when: datetime) -> dict[str, str]:
    """Return what a user sends who scanned the QR code of the page."""
    setup = page.context["setup"]
    return {"setup_token": setup.token, "code": code_at(when, secret=setup.secret)}
