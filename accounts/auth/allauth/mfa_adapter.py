from __future__ import annotations

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import InvalidToken

from accounts.auth.mfa.services import ENCRYPTION_PURPOSE
from core.security.encryption import decrypt, encrypt

SITE_NAME = "TaskFlow"
log = structlog.get_logger(__name__)


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of authenticators are kept encrypted: a copy of the database is no second factor."""

    def encrypt(self, text: str) -> str:
        return encrypt(text, purpose=ENCRYPTION_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """What was sealed with a key that is gone fits no code: such a factor is one that the person has lost."""
        try:
            return decrypt(encrypted_text, purpose=ENCRYPTION_PURPOSE)
        except InvalidToken:
            log.error("mfa_secret_undecryptable", advice="keep the former key in SECRET_KEY_FALLBACKS")
            return generate_totp_secret()

    def _get_site_name(self) -> str:
        return SITE_NAME
