"""Those doors of allauth's API that we count, or that would go around a rule of ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.models import EmailAddress
from allauth.headless.account import views as account
from allauth.headless.account.response import EmailAddressesResponse
from allauth.headless.internal.restkit.response import APIResponse
from allauth.headless.mfa import inputs
from allauth.headless.mfa import views as mfa
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts import services
from accounts.adapters.doors import count
from accounts.adapters.forms import Counted
from accounts.adapters.pending import opened
from accounts.views.parts import person_of
from gateway.headers import client_address


class CodeInput(Counted, inputs.AuthenticateInput): ...


class ConfirmCodeInput(Counted, inputs.ReauthenticateInput): ...


class Authenticate(mfa.AuthenticateView):
    input_class = CodeInput


class ConfirmByCode(mfa.ReauthenticateView):
    input_class = ConfirmCodeInput


class ManageApp(mfa.ManageTOTPView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with opened(request):
            return super().dispatch(request, *args, **kwargs)


class PasskeySignIn(mfa.LoginWebAuthnView):
    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        count(request, "login-address", client_address(request), settings.LOGIN_RATE_PER_ADDRESS)
        return super().handle(request, *args, **kwargs)


class AskForReset(account.RequestPasswordResetView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count(request, "reset-address", client_address(request), settings.LOGIN_RATE_PER_ADDRESS)
        count(request, "account-mail", self.input.cleaned_data["email"], settings.ACCOUNT_MAIL_RATE)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class ChangePassword(account.ChangePasswordView):
    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        count(request, "login-account", str(request.user.pk), settings.LOGIN_RATE_PER_ACCOUNT)
        return super().handle(request, *args, **kwargs)


class ManageAddress(account.ManageEmailView):
    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """An address becomes one's own when its link is opened, and by nothing else."""
        if request.method == "PATCH":
            return APIResponse(request, status=HTTPStatus.METHOD_NOT_ALLOWED)
        return super().handle(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """allauth would take the present address away first, when it is not confirmed yet."""
        raise_if_reauthentication_required(request, app="allauth.account")
        email, person = self.input.cleaned_data["email"], person_of(request)
        count(request, "account-mail", email, settings.ACCOUNT_MAIL_RATE)
        services.propose_address(person=person, email=email)
        return EmailAddressesResponse(request, EmailAddress.objects.filter(user=person))
