from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from accounts.auth.mfa import services as mfa


class Command(BaseCommand):
    help = "Encrypt the MFA secrets with the current SECRET_KEY, so that former keys can be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = mfa.reencrypt_secrets()
        except InvalidToken as error:
            raise CommandError(
                "A secret was encrypted with a key that is not in SECRET_KEY_FALLBACKS. Nothing was changed."
            ) from error
        self.stdout.write(f"{count} secrets are encrypted with the current key.")
