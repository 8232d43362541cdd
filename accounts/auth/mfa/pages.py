"""How a person proves who they are, on one page, and the second steps of allauth that we count or guard."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import enforcement
from accounts.auth.mfa.totp_setup import decrypted_secret
from accounts.auth.mfa.view_mixins import MfaChangeMixin
from accounts.auth.oidc import providers
from accounts.auth.rate_limits import check_rate
from accounts.auth.requests import get_request_user
from core.api.endpoints import endpoint
from core.errors import Conflict
from core.htmx import render_page
from core.http.client_ip import client_ip


@endpoint(mfa_exempt=True)
@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    context = {
        **login_methods_selectors.get_mfa_methods(user)._asdict(),
        "tab": "security",
        "mfa_required_for": enforcement.current_mfa_policy().words,
        "is_verified": email_addresses.is_email_verified(user),
        "providers": providers.provider_names(),
        "identities": login_methods_selectors.list_identities(user).order_by("provider"),
    }
    return render_page(request, "accounts/security.html", context)


class AddsMfaMethod(MfaChangeMixin):
    adding_methods = frozenset({"GET", "HEAD", "POST"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Conflict as error:
            messages.error(request, error.detail)
            return redirect("mfa_index")


@method_decorator(never_cache, name="dispatch")
class ActivateTotpView(AddsMfaMethod, totp.ActivateTOTPView):
    mfa_exempt = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The page is made before the secret is sealed again."""
        with decrypted_secret(request):
            answer = super().dispatch(request, *args, **kwargs)
            return answer.render() if hasattr(answer, "render") else answer

    def get_context_data(self, **words: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**words)
        return context | {"label": get_adapter().get_totp_label(get_request_user(self.request)), "tab": "security"}


class PasskeyLoginView(webauthn.LoginWebAuthnView):
    brute_force_limit = {"POST"}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        check_rate(request, "login-address", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class DeactivateTotpView(MfaChangeMixin, totp.DeactivateTOTPView): ...


class AddPasskeyView(AddsMfaMethod, webauthn.AddWebAuthnView):
    mfa_exempt = True


class RemovePasskeyView(MfaChangeMixin, webauthn.RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")


class RenamePasskeyView(webauthn.EditWebAuthnView):
    success_url = reverse_lazy("mfa_index")
