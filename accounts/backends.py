from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from accounts import guard, selectors
from accounts.models import User


class EmailBackend(BaseBackend):
    """Sign-in by e-mail address and password, doing as much for an unknown address as for a known one."""

    def authenticate(
        self, request: HttpRequest | None, email: str = "", password: str = "", username: str = "", **_: Any
    ) -> User | None:
        given = (email or username).strip().lower()
        person = selectors.owner_of(given)
        matches = person.check_password(password) if person else check_password(password, _nobodys_password())
        found = person if person and matches and person.is_active else None
        if request is not None and found is not None:
            guard.note_success(request, given)
        elif request is not None:
            guard.note_wrong(request, given, person)
        return found

    def get_user(self, user_id: uuid.UUID) -> User | None:
        return selectors.active_person(user_id)


@cache
def _nobodys_password() -> str:
    return make_password(uuid.uuid4().hex)
