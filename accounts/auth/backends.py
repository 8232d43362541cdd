from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from accounts.auth import throttling
from accounts.models import User
from accounts.users import selectors as users_selectors


class EmailBackend(BaseBackend):
    """Sign-in by e-mail address and password, doing as much for an unknown address as for a known one."""

    def authenticate(
        self, request: HttpRequest | None, email: str = "", password: str = "", username: str = "", **_: Any
    ) -> User | None:
        given = (email or username).strip().lower()
        user = users_selectors.get_by_email(given)
        matches = user.check_password(password) if user else check_password(password, _nobodys_password())
        found = user if user and matches and user.is_active else None
        if request is not None and found is not None:
            throttling.reset_failures(request, given)
        elif request is not None:
            throttling.record_failure(request, given, user)
        return found

    def get_user(self, user_id: uuid.UUID) -> User | None:
        return users_selectors.find_active_user(user_id)


@cache
def _nobodys_password() -> str:
    return make_password(uuid.uuid4().hex)
