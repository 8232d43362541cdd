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

from accounts import selectors, services
from accounts.adapters import half_done
from accounts.adapters.confirming import require_fresh_session
from accounts.adapters.doors import ASKED_FOR, REGISTERING, count_sign_in, mail_account_exists
from accounts.browsers import ROW
from accounts.models import User
from accounts.passwords import known
from accounts.services.users import enrol
from core.errors import NotFound, TooMany
from gateway.headers import client_address
from gateway.limits import spend

TAKEN = "Somebody else has this address by now."
NOT_BY_PASSWORD = "The password alone is no proof where there is a second factor: use a code or a passkey."  # noqa: S105


def display_name(person: User) -> str:
    return person.name


def sign_out(request: HttpRequest, person: User) -> None:
    """Whoever opens the link for a lost password resets it, also in a browser where this person is signed in."""
    if request.user == person:
        auth.logout(request)


class AccountAdapter(DefaultAccountAdapter):
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        count_sign_in(request, credentials.get("email", ""))

    def pre_login(self, request: HttpRequest, user: User, **words: Any) -> HttpResponse | None:
        half_done.begin(request, user)
        answer: HttpResponse | None = super().pre_login(request, user, **words)
        return answer

    def login(self, request: HttpRequest, user: User) -> None:
        half_done.finish(request, user)
        super().login(request, user)

    def is_reauthentication_required(self, *, app: str, **words: Any) -> bool:
        """allauth asks for nothing where there is neither a password nor a factor: there the sign-in has to be new."""
        require_fresh_session(context.request)
        return bool(super().is_reauthentication_required(app=app, **words))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whoever knows the password shall not be able to take away the factor that is asked for beside it."""
        if selectors.has_second_factor(user):
            raise forms.ValidationError(NOT_BY_PASSWORD, code="second_factor_needed")
        return bool(super().reauthenticate(user, password))

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Nobody is led to a door that refuses them; nor to use up a recovery code who has a passkey at hand."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not isinstance(user, User) or not selectors.has_second_factor(user):
            return methods
        proofs = [one for one in methods if one["id"] != Flow.REAUTHENTICATE]
        return proofs if selectors.second_factors(user).app else proofs[::-1]

    def save_user(self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True) -> User:
        """Register somebody who comes by allauth's own doors, which keep the address themselves."""
        sent = form.cleaned_data
        user.email, user.name = sent["email"], sent.get("name") or sent["email"].partition("@")[0]
        user.set_password(sent["password"])
        enrol(user)
        return user

    def logout(self, request: HttpRequest) -> None:
        """A browser's session is ended by accounts.browsers; a program's ends here."""
        row = request.session.get(ROW)
        super().logout(request)
        ended = selectors.live_session(UUID(row), timezone.now()) if row and is_headless_request(request) else None
        if ended is not None:
            with suppress(NotFound):  # somebody else has ended it
                now, reason = timezone.now(), services.SIGNED_OUT
                services.revoke_session(actor=ended.user, session_id=ended.pk, now=now, reason=reason)

    def set_password(self, user: User, password: str) -> None:
        """The form has asked already whether the password is known from a breach: `clean_password`."""
        request, now = context.request, timezone.now()
        with known(password, is_breached=False):
            if request.user.pk != user.pk:
                services.reset_password(person=user, password=password, now=now)
            else:
                services.change_password(person=user, password=password, now=now, keep=request.session.get(ROW))

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """A proposal may be taken back; the present address may only be replaced."""
        return bool(email_address.email != email_address.user.email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        before = email_address.user.email
        try:
            with transaction.atomic():
                if email_address.email == before:
                    services.withdraw_proposal(person=email_address.user)
                is_done = super().confirm_email(request, email_address)
                if is_done:
                    services.note_verified(person=email_address.user, before=before, now=timezone.now())
        except IntegrityError:
            self.add_message(request, messages.ERROR, message=TAKEN)
            return False
        return is_done

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Beyond the rate nothing is sent and nothing refused: the links sent before are good for days."""
        address = emailconfirmation.email_address
        with suppress(TooMany):
            group = REGISTERING if signup else ASKED_FOR
            spend(request, group=group, key=address.email, rate=settings.ACCOUNT_MAIL_RATE)
            services.mail_link(address)

    def send_account_already_exists_mail(self, email: str) -> None:
        mail_account_exists(self.request, email)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        services.mail_reset_link(person=user, path=context["password_reset_url"])

    def get_reset_password_from_key_url(self, key: str) -> str:
        """A path: the mail puts this site's own address before it, not the one that the request named."""
        return f"{reverse('account_reset_password_from_key')}?{urlencode({'key': key})}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix != "account/email/unknown_account":
            # allauth has got a mail that we do not know: a mistake of ours when it is upgraded, not a state to handle
            raise NotImplementedError(f"there is no mail of ours for {template_prefix}")
        services.mail_no_account(email=email)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        services.tell_security_changed(
            person=user,
            what=template_prefix.rpartition("/")[2],
            now=timezone.now(),
            address=client_address(self.request),
            to=email or "",
        )
