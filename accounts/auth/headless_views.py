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

from accounts.auth.allauth import passkey_forms
from accounts.auth.allauth.account_adapter import logout_if_current
from accounts.auth.allauth.forms import ThrottledCodeForm, require_current_password
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa.totp_setup import decrypted_secret
from accounts.auth.mfa.view_mixins import MfaChangeMixin
from accounts.auth.rate_limits import check_rate, request_email_change
from accounts.auth.requests import get_request_user
from accounts.models import User
from core.errors import NotFound
from core.http.client_ip import client_ip


@csrf_exempt
def closed(request: HttpRequest) -> HttpResponse:
    raise NotFound("There is no such door here.")


class CodeInput(ThrottledCodeForm, inputs.AuthenticateInput): ...


class ConfirmCodeInput(ThrottledCodeForm, inputs.ReauthenticateInput): ...


class NewPersonInput(SignupInput):
    """Judges the password beside the address and the name, which it may not be like."""

    def clean_password(self) -> str:
        return str(self.cleaned_data["password"])

    def clean(self) -> dict[str, Any]:
        sent: dict[str, Any] = super().clean()
        if password := sent.get("password"):
            user = User(email=sent.get("email") or "", name=sent.get("name") or "")
            try:
                get_adapter().clean_password(password, user=user)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return sent


class NewPasswordInput(ChangePasswordInput):
    def clean_current_password(self) -> str:
        password: str = self.cleaned_data["current_password"]
        if self.user.has_usable_password():
            require_current_password(self.user, password)
        return password


class Authenticate(mfa.AuthenticateView):
    input_class = CodeInput


class ConfirmByCode(mfa.ReauthenticateView):
    input_class = ConfirmCodeInput


class ManageApp(MfaChangeMixin, mfa.ManageTOTPView):
    adding_methods = frozenset({"POST"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with decrypted_secret(request):
            return super().dispatch(request, *args, **kwargs)


class ManagePasskeys(MfaChangeMixin, mfa.ManageWebAuthnView):
    adding_methods = frozenset({"GET", "POST"})
    input_class = {**mfa.ManageWebAuthnView.input_class, "POST": passkey_forms.AddInput}


class AuthenticateByPasskey(mfa.AuthenticateWebAuthnView):
    input_class = {"POST": passkey_forms.AuthenticateInput}


class ConfirmByPasskey(mfa.ReauthenticateWebAuthnView):
    input_class = {"POST": passkey_forms.ConfirmInput}


class SignUp(account.SignupView):
    input_class = {"POST": NewPersonInput}

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        check_rate(request, "register", client_ip(request), settings.REGISTER_RATE)
        return super().handle(request, *args, **kwargs)


class PasskeySignIn(mfa.LoginWebAuthnView):
    input_class = {"POST": passkey_forms.SignInInput}

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        check_rate(request, "login-address", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS)
        return super().handle(request, *args, **kwargs)


class AskForReset(account.RequestPasswordResetView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        check_rate(request, "reset-address", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS)
        check_rate(request, "email-link", self.input.cleaned_data["email"], settings.EMAIL_LINK_RATE)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class ResetPassword(account.ResetPasswordView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        logout_if_current(request, self.input.user)
        try:
            answer: HttpResponse = super().post(request, *args, **kwargs)
        except NotFound:  # somebody else has used the link at the same moment
            self.input.add_error("key", get_adapter().validation_error("invalid_password_reset"))
            return ErrorResponse(request, input=self.input)
        return answer


class ChangePassword(account.ChangePasswordView):
    input_class = NewPasswordInput

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not get_request_user(request).has_usable_password():
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
        user = get_request_user(request)
        request_email_change(request, user, self.input.cleaned_data["email"])
        return EmailAddressesResponse(request, login_methods_selectors.list_email_addresses(user))
