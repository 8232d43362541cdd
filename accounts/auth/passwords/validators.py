"""The rules for a new password beside Django's own, and the check against known breaches.

The list of breached passwords may take a second to answer. So services call `check_new_password` or
`check_not_breached` before they open a transaction, and `check_password_strength` within one.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.password_validation import get_default_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop

from accounts.auth.passwords import pwned_passwords
from accounts.models import User
from core.errors import FieldError, Invalid

FORBIDDEN_NAMES = ("taskflow",)
MAX_EXTRA_CHARACTERS = 3
BREACHED = gettext_noop(
    "This password is known from a breach elsewhere, so attackers try it early. Choose another one."
)


class ServiceNameValidator:
    """Refuse the service's name with a few characters around it, which is guessed first."""

    def validate(self, password: str, user: object = None) -> None:
        characters = re.sub(r"[\W\d_]", "", password.lower())
        for name in FORBIDDEN_NAMES:
            if name in characters and len(characters) - len(name) <= MAX_EXTRA_CHARACTERS:
                raise ValidationError(
                    gettext("This password is too similar to the name of the service."), code="password_too_similar"
                )

    def get_help_text(self) -> str:
        return gettext("Your password can’t be the name of the service.")


class BreachedPasswordValidator:
    """Refuse a password on the list at PWNED_PASSWORDS_URL, if one is configured. Waits for the network."""

    def validate(self, password: str, user: object = None) -> None:
        if pwned_passwords.is_breached(password):
            raise ValidationError(gettext(BREACHED), code="password_breached")

    def get_help_text(self) -> str:
        return gettext("Your password can’t be one that is known from a breach.")


def check_new_password(password: str, user: User) -> None:
    """Raise Invalid (field `password`) for a weak or breached password. Must not be called within a transaction."""
    _validate(password, user, get_default_password_validators())


def check_password_strength(password: str, user: User) -> None:
    """Raise Invalid (field `password`) for a weak password. Safe within a transaction: it calls no other service."""
    validators = get_default_password_validators()
    _validate(password, user, [item for item in validators if not isinstance(item, BreachedPasswordValidator)])


def _validate(password: str, user: User, validators: list[Any]) -> None:
    try:
        validate_password(password, user, password_validators=validators)
    except ValidationError as error:
        raise Invalid(
            gettext("The password is too weak."),
            fields=[FieldError("password", str(item.code), " ".join(item.messages)) for item in error.error_list],
        ) from error


def check_not_breached(password: str) -> None:
    """Raise Invalid (`password_breached`) for a breached password. Must not be called within a transaction."""
    if pwned_passwords.is_breached(password):
        raise Invalid.field("password", BREACHED, "password_breached")
