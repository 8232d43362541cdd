"""The key of a password reset link: the user's id and Django's token, which ends with the password or the address."""

from __future__ import annotations

import uuid

from django.contrib.auth.tokens import default_token_generator

from accounts.models import User


def make_reset_key(user: User) -> str:
    return f"{user.pk.hex}-{default_token_generator.make_token(user)}"


def find_user_by_reset_key(key: str) -> User | None:
    """Return the active user whose password the key may reset; None for a used, old or forged key."""
    user_id, _, token = key.partition("-")
    try:
        user: User | None = User.objects.active().filter(pk=uuid.UUID(hex=user_id)).first()
    except ValueError:
        return None
    return user if user and default_token_generator.check_token(user, token) else None
