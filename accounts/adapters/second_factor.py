from __future__ import annotations

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import InvalidToken

from accounts.services.second_factor import SEALED_FOR
from core.sealing import seal, unseal

SITE_NAME = "TaskFlow"
log = structlog.get_logger(__name__)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticators are kept encrypted: a copy of the database is no second factor."""

    def encrypt(self, text: str) -> str:
        return seal(text, purpose=SEALED_FOR)

    def decrypt(self, encrypted_text: str) -> str:
        """What was sealed with a key that is gone fits no code: such a factor is one that the person has lost."""
        try:
            return unseal(encrypted_text, purpose=SEALED_FOR)
        except InvalidToken:
            log.error("second_factor_unreadable", advice="keep the former key in SECRET_KEY_FALLBACKS")
            return generate_totp_secret()

    def _get_site_name(self) -> str:
        return SITE_NAME
