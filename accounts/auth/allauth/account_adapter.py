from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts.auth import reauthentication
from accounts.auth.allauth.reauthentication import require_recent_session
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.models import User
from accounts.users import services as users
from core.errors import Invalid
from core.http.client_ip import client_ip

MFA_REQUIRED = "Use a code or a passkey: with two-factor authentication the password alone is not enough."


def display_name(user: User) -> str:
    return user.name


class AccountAdapter(DefaultAccountAdapter):
    """Adapter for allauth's re-authentication pages. accounts.auth.login implements signing in and out."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Require a recent login, also of users without password and MFA.

        allauth itself asks such users for nothing.
        """
        require_recent_session(context.request)
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Verify the password; reject it for users with MFA, as it must not be enough to remove their MFA methods."""
        if login_methods_selectors.has_mfa(user):
            raise forms.ValidationError(MFA_REQUIRED, code="mfa_required")
        try:
            with reauthentication.throttled_reauthentication(context.request, user):
                users.require_password(user, password, field="password")
        except Invalid:
            return False
        return True

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Offer MFA methods only, where there are some, and passkeys before recovery codes."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not isinstance(user, User) or not login_methods_selectors.has_mfa(user):
            return methods
        methods = [method for method in methods if method["id"] != "reauthenticate"]
        return methods if login_methods_selectors.get_mfa_methods(user).totp else methods[::-1]
