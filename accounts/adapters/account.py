from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.internal.httpkit import is_headless_request
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts import mails, services
from accounts.adapters.doors import count, count_sign_in
from accounts.browsers import ROW
from accounts.models import Session, User
from accounts.services.users import enrol
from core.errors import NotFound, TooMany
from gateway.headers import client_address
from gateway.limits import spend

TAKEN = "Somebody else has this address by now."


def display_name(person: User) -> str:
    return person.name


class AccountAdapter(DefaultAccountAdapter):
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        count_sign_in(request, credentials.get("email", ""))

    def save_user(self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True) -> User:
        """Register somebody who comes by allauth's own doors, which keep the address themselves."""
        count(request, "register", client_address(request), settings.REGISTER_RATE)
        sent = form.cleaned_data
        user.email, user.name = sent["email"], sent.get("name") or sent["email"].partition("@")[0]
        user.set_password(sent["password"])
        enrol(user)
        return user

    def logout(self, request: HttpRequest) -> None:
        """A browser's session is ended by accounts.browsers; a program's ends here."""
        row = request.session.get(ROW)
        super().logout(request)
        if row and is_headless_request(request):
            ended = Session.objects.select_related("user").get(pk=row)
            with suppress(NotFound):
                services.revoke_session(actor=ended.user, session_id=ended.pk, now=timezone.now(), reason="signed out")

    def set_password(self, user: User, password: str) -> None:
        request = context.request
        if request.user.pk != user.pk:
            services.reset_password(person=user, password=password, now=timezone.now())
            return
        here = request.session.get(ROW)
        services.change_password(person=user, password=password, now=timezone.now(), keep=here)

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """A proposal may be taken back; the present address may only be replaced."""
        return bool(email_address.email != email_address.user.email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        before = email_address.user.email
        try:
            with transaction.atomic():
                if email_address.email == before:
                    EmailAddress.objects.filter(user=email_address.user, verified=False).exclude(email=before).delete()
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
        try:
            spend(request, group="account-mail", key=address.email, rate=settings.ACCOUNT_MAIL_RATE)
        except TooMany:
            return
        services.mail_link(address)

    def send_account_already_exists_mail(self, email: str) -> None:
        words = {"login_path": reverse("login"), "reset_path": reverse("account_reset_password")}
        self._queue("account_exists", email, words)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        if user.kind == User.Kind.PERSON:
            words = {"name": user.name, "reset_path": context["password_reset_url"]}
            self._queue("password_reset", user.email, words)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """A path: the mail puts this site's own address before it, not the one that the request named."""
        return f"{reverse('account_reset_password_from_key')}?{urlencode({'key': key})}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix != "account/email/unknown_account":
            # allauth has got a mail that we do not know: a mistake of ours when it is upgraded, not a state to handle
            raise NotImplementedError(f"there is no mail of ours for {template_prefix}")
        self._queue("no_account", email, {"register_path": reverse("register")})

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

    def _queue(self, kind: str, to: str, words: dict[str, Any]) -> None:
        with transaction.atomic():
            mails.queue(kind=kind, to=to, words=words, key=secrets.token_hex(16))
