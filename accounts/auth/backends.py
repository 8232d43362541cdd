from __future__ import annotations

import uuid

from django.contrib.auth.backends import BaseBackend

from accounts.models import User
from accounts.users import selectors as users_selectors


class SessionBackend(BaseBackend):
    """Load the user of a session. Credentials are verified by accounts.auth.login, and nowhere else."""

    def get_user(self, user_id: uuid.UUID) -> User | None:
        return users_selectors.find_active_user(user_id)
