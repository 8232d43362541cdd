"""How a person proves who they are, on one page, and the second steps of allauth that we count or guard."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import services
from accounts.adapters.doors import count
from accounts.adapters.pending import opened
from accounts.oidc import clients
from accounts.views.parts import person_of
from core.htmx import page
from gateway.headers import client_address


@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    mine = list(Authenticator.objects.filter(user=person).order_by("created_at"))
    kinds = Authenticator.Type
    codes = next((one.wrap() for one in mine if one.type == kinds.RECOVERY_CODES), None)
    context = {
        "tab": "security",
        "is_verified": services.is_verified(person),
        "app": next((one for one in mine if one.type == kinds.TOTP), None),
        "passkeys": [one for one in mine if one.type == kinds.WEBAUTHN],
        "codes_left": len(codes.get_unused_codes()) if codes else None,
        "providers": clients.names(),
        "identities": SocialAccount.objects.filter(user=person).order_by("provider"),
    }
    return page(request, "accounts/security.html", context)


@method_decorator(never_cache, name="dispatch")
class ActivateApp(totp.ActivateTOTPView):
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


class RemovePasskey(webauthn.RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")


class RenamePasskey(webauthn.EditWebAuthnView):
    success_url = reverse_lazy("mfa_index")
