"""Those doors of allauth's API that we count, or that would go around a rule of ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.headless.account import views as account
from allauth.headless.account.inputs import ChangePasswordInput, SignupInput
from allauth.headless.account.response import EmailAddressesResponse
from allauth.headless.internal.restkit.response import APIResponse, ErrorResponse
from allauth.headless.mfa import inputs
from allauth.headless.mfa import views as mfa
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts import selectors
from accounts.adapters import passkeys
from accounts.adapters.account import sign_out
from accounts.adapters.doors import count, propose_address
from accounts.adapters.factors import ChangesFactors
from accounts.adapters.forms import Counted, require_present
from accounts.adapters.pending import opened
from accounts.callers import person_of
from accounts.models import User
from core.errors import NotFound
from gateway.headers import client_address


@csrf_exempt
def closed(request: HttpRequest) -> HttpResponse:
    raise NotFound("There is no such door here.")


class CodeInput(Counted, inputs.AuthenticateInput): ...


class ConfirmCodeInput(Counted, inputs.ReauthenticateInput): ...


class NewPersonInput(SignupInput):
    """Judges the password beside the address and the name, which it may not be like."""

    def clean_password(self) -> str:
        return str(self.cleaned_data["password"])

    def clean(self) -> dict[str, Any]:
        sent: dict[str, Any] = super().clean()
        if password := sent.get("password"):
            person = User(email=sent.get("email") or "", name=sent.get("name") or "")
            try:
                get_adapter().clean_password(password, user=person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return sent


class NewPasswordInput(ChangePasswordInput):
    def clean_current_password(self) -> str:
        password: str = self.cleaned_data["current_password"]
        if self.user.has_usable_password():
            require_present(self.user, password)
        return password


class Authenticate(mfa.AuthenticateView):
    input_class = CodeInput


class ConfirmByCode(mfa.ReauthenticateView):
    input_class = ConfirmCodeInput


class ManageApp(ChangesFactors, mfa.ManageTOTPView):
    adding = frozenset({"POST"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with opened(request):
            return super().dispatch(request, *args, **kwargs)


class ManagePasskeys(ChangesFactors, mfa.ManageWebAuthnView):
    adding = frozenset({"GET", "POST"})
    input_class = {**mfa.ManageWebAuthnView.input_class, "POST": passkeys.AddInput}


class AuthenticateByPasskey(mfa.AuthenticateWebAuthnView):
    input_class = {"POST": passkeys.AuthenticateInput}


class ConfirmByPasskey(mfa.ReauthenticateWebAuthnView):
    input_class = {"POST": passkeys.ConfirmInput}


class SignUp(account.SignupView):
    input_class = {"POST": NewPersonInput}

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        count(request, "register", client_address(request), settings.REGISTER_RATE)
        return super().handle(request, *args, **kwargs)


class PasskeySignIn(mfa.LoginWebAuthnView):
    input_class = {"POST": passkeys.SignInInput}

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        count(request, "login-address", client_address(request), settings.LOGIN_RATE_PER_ADDRESS)
        return super().handle(request, *args, **kwargs)


class AskForReset(account.RequestPasswordResetView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count(request, "reset-address", client_address(request), settings.LOGIN_RATE_PER_ADDRESS)
        count(request, "account-mail", self.input.cleaned_data["email"], settings.ACCOUNT_MAIL_RATE)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class ResetPassword(account.ResetPasswordView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sign_out(request, self.input.user)
        try:
            answer: HttpResponse = super().post(request, *args, **kwargs)
        except NotFound:  # somebody else has used the link at the same moment
            self.input.add_error("key", get_adapter().validation_error("invalid_password_reset"))
            return ErrorResponse(request, input=self.input)
        return answer


class ChangePassword(account.ChangePasswordView):
    input_class = NewPasswordInput

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not person_of(request).has_usable_password():
            raise_if_reauthentication_required(request, app="allauth.account")
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
        person = person_of(request)
        propose_address(request, person, self.input.cleaned_data["email"])
        return EmailAddressesResponse(request, selectors.addresses_of(person))
