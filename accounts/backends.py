from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User


class EmailBackend(BaseBackend):
    """Sign-in by e-mail address and password, taking as long for an unknown address as for a known one."""

    def authenticate(
        self, request: HttpRequest | None, email: str = "", password: str = "", username: str = "", **_: Any
    ) -> User | None:
        person: User | None = User.objects.filter(email=(email or username).strip().lower()).first()
        if person is None:
            User().set_password(password)
            return None
        return person if person.check_password(password) and person.is_active else None

    def get_user(self, user_id: uuid.UUID) -> User | None:
        found: User | None = User.objects.active().filter(pk=user_id).first()
        return found
