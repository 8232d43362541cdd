from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from accounts.auth.mfa import services as mfa


class Command(BaseCommand):
    help = "Seal the secrets of second factors with the present SECRET_KEY, so that a former one can be forgotten."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = mfa.reencrypt_secrets()
        except InvalidToken as error:
            raise CommandError(
                "One was sealed with a key that is not in SECRET_KEY_FALLBACKS. Nothing changed."
            ) from error
        self.stdout.write(f"{count} secrets are sealed with the present key.")
