"""Forms of the user admin."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.models import User


def user_change_url(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def user_form_data(user: User, **changes: Any) -> dict[str, Any]:
    """Return what the browser sends for a user with these changes; None leaves a field out."""
    names = ("name", "email", "handle", "role", "tier", "time_zone", "language", "version")
    data = {name: getattr(user, name) for name in names}
    data |= {"is_active": "on"} if user.is_active else {}
    return {name: value for name, value in (data | changes).items() if value is not None}
