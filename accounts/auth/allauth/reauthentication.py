"""Whether a browser's user has confirmed recently that it is them, as allauth records it."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django import forms
from django.contrib import auth, messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.auth import reauthentication
from accounts.auth.allauth.internals import is_reauthentication_required
from accounts.auth.allauth.passkeys import Purpose, begin_authentication
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.sessions.middleware import current_session
from accounts.models import User
from accounts.users import services as users
from core.clock import current_time
from core.errors import Invalid
from core.form_idempotency import mark_unfinished
from core.http.client_ip import client_ip

MFA_REQUIRED = "Use a code or a passkey: with two-factor authentication the password alone is not enough."


def reauthentication_redirect(request: HttpRequest, next_url: str = "") -> HttpResponse | None:
    """Return the redirect to the reauthentication page; None where the user confirmed recently.

    That page goes on to `next_url`.
    """
    next_url = next_url or reverse("socialaccount_connections")
    if not request.user.is_authenticated:
        return mark_unfinished(HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': next_url})}"))
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        return None if _has_recent_session(request) else _redirect_to_login(request, next_url)
    if not is_reauthentication_required(request, app="allauth.socialaccount"):
        return None
    messages.info(request, "Confirm it's you to continue.")
    return mark_unfinished(HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': next_url})}"))


def _has_recent_session(request: HttpRequest) -> bool:
    """Whether the session is recent by the rule of the API."""
    session = current_session(request)
    return session is not None and reauthentication.is_recent(session, current_time())


def _redirect_to_login(request: HttpRequest, next_url: str) -> HttpResponse:
    auth.logout(request)
    messages.info(request, "Sign in again to confirm it's you, then try again.")
    return mark_unfinished(HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': next_url})}"))


class ReauthenticatePasskeyView(ReauthenticateWebAuthnView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # allauth's own method would issue a challenge that counts for every purpose.
        context: dict[str, Any] = super(ReauthenticateWebAuthnView, self).get_context_data(**kwargs)
        options = begin_authentication(self.request, Purpose.REAUTHENTICATION, self.request.user)
        return {**context, "js_data": {"request_options": options}}


class AccountAdapter(DefaultAccountAdapter):
    """Adapter for allauth's re-authentication pages. accounts.auth.login implements signing in and out."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Require a recent login. allauth itself asks users for nothing who have neither a password nor MFA."""
        request = context.request
        if (
            request.user.is_authenticated
            and not self.get_reauthentication_methods(request.user)
            and not _has_recent_session(request)
        ):
            next_url = request.path if request.method == "GET" else reverse("mfa_index")
            raise ImmediateHttpResponse(_redirect_to_login(request, next_url))
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Verify the password; reject it for users with MFA, as it must not be enough to remove their MFA methods."""
        # allauth lets any method confirm, and would accept the password that MFA is there to distrust.
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
