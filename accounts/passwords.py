"""What a password may not be beside Django's own rules."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

NAMES = ("taskflow",)
FEW_LETTERS = 3


class ServiceNameValidator:
    """Refuses the name of the service with digits, signs and a few letters around it: it is guessed first."""

    def validate(self, password: str, user: object = None) -> None:
        letters = re.sub(r"[\W\d_]", "", password.lower())
        for name in NAMES:
            if name in letters and len(letters) - len(name) <= FEW_LETTERS:
                raise ValidationError(
                    "This password is too similar to the name of the service.", code="password_too_similar"
                )

    def get_help_text(self) -> str:
        return "Your password can’t be the name of the service."
