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

from accounts import selectors, services, standing
from accounts.adapters.doors import count
from accounts.adapters.factors import ChangesFactors
from accounts.adapters.pending import opened
from accounts.callers import person_of
from accounts.oidc import clients
from core.errors import Conflict
from core.htmx import page
from gateway.headers import client_address


@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    context = {
        **selectors.second_factors(person)._asdict(),
        "tab": "security",
        "demanded_of": standing.demanded().words,
        "is_verified": services.is_verified(person),
        "providers": clients.names(),
        "identities": selectors.identities_of(person).order_by("provider"),
    }
    return page(request, "accounts/security.html", context)


class AddsFactor(ChangesFactors):
    adding = frozenset({"GET", "HEAD", "POST"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Conflict as refusal:
            messages.error(request, refusal.detail)
            return redirect("mfa_index")


@method_decorator(never_cache, name="dispatch")
class ActivateApp(AddsFactor, totp.ActivateTOTPView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The page is made before the secret is sealed again."""
        with opened(request):
            answer = super().dispatch(request, *args, **kwargs)
            return answer.render() if hasattr(answer, "render") else answer

    def get_context_data(self, **words: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**words)
        return context | {"label": get_adapter().get_totp_label(person_of(self.request)), "tab": "security"}


class PasskeySignIn(webauthn.LoginWebAuthnView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count(request, "login-address", client_address(request), settings.LOGIN_RATE_PER_ADDRESS)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer


class RemoveApp(ChangesFactors, totp.DeactivateTOTPView): ...


class AddPasskey(AddsFactor, webauthn.AddWebAuthnView): ...


class RemovePasskey(ChangesFactors, webauthn.RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")


class RenamePasskey(webauthn.EditWebAuthnView):
    success_url = reverse_lazy("mfa_index")
