from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.constants import Flow
from django import forms
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.auth import security_notifications
from accounts.auth.allauth import pending_login
from accounts.auth.allauth.reauthentication import require_recent_session
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.passwords import emails
from accounts.auth.passwords import services as passwords
from accounts.auth.passwords.validators import with_breach_result
from accounts.auth.rate_limits import (
    LINK_EMAIL_GROUP,
    REGISTRATION_EMAIL_GROUP,
    check_login_rate,
    send_account_exists_email,
)
from accounts.auth.sessions import selectors as sessions_selectors
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.middleware import SESSION_ID_KEY
from accounts.models import User
from accounts.users import services as users
from core.errors import NotFound, RateLimited
from core.http.client_ip import client_ip
from core.rate_limits import consume

EMAIL_TAKEN = "Somebody else has this address by now."
MFA_REQUIRED = "The password alone is no proof where there is a second factor: use a code or a passkey."


def display_name(user: User) -> str:
    return user.name


def logout_if_current(request: HttpRequest, user: User) -> None:
    """Whoever opens the link for a lost password resets it, also in a browser where this person is signed in."""
    if request.user == user:
        auth.logout(request)


class AccountAdapter(DefaultAccountAdapter):
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        check_login_rate(request, credentials.get("email", ""))

    def pre_login(self, request: HttpRequest, user: User, **words: Any) -> HttpResponse | None:
        pending_login.remember_password(request, user)
        answer: HttpResponse | None = super().pre_login(request, user, **words)
        return answer

    def login(self, request: HttpRequest, user: User) -> None:
        pending_login.complete(request, user)
        super().login(request, user)

    def is_reauthentication_required(self, *, app: str, **words: Any) -> bool:
        """allauth asks for nothing where there is neither a password nor a factor: there the sign-in has to be new."""
        require_recent_session(context.request)
        return bool(super().is_reauthentication_required(app=app, **words))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whoever knows the password shall not be able to take away the factor that is asked for beside it."""
        if login_methods_selectors.has_mfa(user):
            raise forms.ValidationError(MFA_REQUIRED, code="second_factor_needed")
        return bool(super().reauthenticate(user, password))

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Nobody is led to a door that refuses them; nor to use up a recovery code who has a passkey at hand."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not isinstance(user, User) or not login_methods_selectors.has_mfa(user):
            return methods
        proofs = [one for one in methods if one["id"] != Flow.REAUTHENTICATE]
        return proofs if login_methods_selectors.get_mfa_methods(user).app else proofs[::-1]

    def save_user(self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True) -> User:
        """Register somebody who comes by allauth's own doors, which keep the address themselves."""
        sent = form.cleaned_data
        user.email, user.name = sent["email"], sent.get("name") or sent["email"].partition("@")[0]
        user.set_password(sent["password"])
        users.create_user(user)
        return user

    def logout(self, request: HttpRequest) -> None:
        """A browser's session is ended by accounts.auth.sessions.middleware; a program's ends here."""
        row = request.session.get(SESSION_ID_KEY)
        super().logout(request)
        ended = (
            sessions_selectors.get_active_api_session(UUID(row), timezone.now())
            if row and is_headless_request(request)
            else None
        )
        if ended is not None:
            with suppress(NotFound):  # somebody else has ended it
                now, reason = timezone.now(), sessions.SIGNED_OUT
                sessions.revoke_session(actor=ended.user, session_id=ended.pk, now=now, reason=reason)

    def set_password(self, user: User, password: str) -> None:
        """The form has asked already whether the password is known from a breach: `clean_password`."""
        request, now = context.request, timezone.now()
        with with_breach_result(password, is_breached=False):
            if request.user.pk != user.pk:
                passwords.reset_password(user=user, password=password, now=now)
            else:
                passwords.change_password(
                    user=user, password=password, now=now, keep=request.session.get(SESSION_ID_KEY)
                )

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """A proposal may be taken back; the present address may only be replaced."""
        return bool(email_address.email != email_address.user.email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        before = email_address.user.email
        try:
            with transaction.atomic():
                if email_address.email == before:
                    email_addresses.cancel_email_change(user=email_address.user)
                is_done = super().confirm_email(request, email_address)
                if is_done:
                    email_addresses.record_verified_email(user=email_address.user, before=before, now=timezone.now())
        except IntegrityError:
            self.add_message(request, messages.ERROR, message=EMAIL_TAKEN)
            return False
        return is_done

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Beyond the rate nothing is sent and nothing refused: the links sent before are good for days."""
        address = emailconfirmation.email_address
        with suppress(RateLimited):
            group = REGISTRATION_EMAIL_GROUP if signup else LINK_EMAIL_GROUP
            consume(request, group=group, key=address.email, rate=settings.EMAIL_LINK_RATE)
            email_addresses.send_verification_link(address)

    def send_account_already_exists_mail(self, email: str) -> None:
        send_account_exists_email(self.request, email)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        emails.send_password_reset_email(user=user, path=context["password_reset_url"])

    def get_reset_password_from_key_url(self, key: str) -> str:
        """A path: the mail puts this site's own address before it, not the one that the request named."""
        return f"{reverse('account_reset_password_from_key')}?{urlencode({'key': key})}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix != "account/email/unknown_account":
            # allauth has got a mail that we do not know: a mistake of ours when it is upgraded, not a state to handle
            raise NotImplementedError(f"there is no mail of ours for {template_prefix}")
        emails.send_no_account_email(email=email)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        security_notifications.notify_security_change(
            user=user,
            what=template_prefix.rpartition("/")[2],
            now=timezone.now(),
            address=client_ip(self.request),
            to=email or "",
        )
