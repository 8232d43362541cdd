from __future__ import annotations

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import InvalidToken

from accounts.auth.mfa.services import ENCRYPTION_PURPOSE
from accounts.auth.mfa.totp import ISSUER, generate_secret
from core.security.encryption import decrypt, encrypt

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
