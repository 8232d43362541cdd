from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.headless.socialaccount.response import SocialAccountsResponse
from allauth.headless.socialaccount.views import ManageProvidersView
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import providers
from accounts.auth.oidc import services as oidc
from accounts.auth.requests import get_request_user


class ManageIdentitiesView(ManageProvidersView):
    """allauth's door for programs, with our own service behind it: it locks, and it tells the person."""

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise_if_reauthentication_required(request, app="allauth.socialaccount")
        identity_id = self.input.cleaned_data["account"].pk
        oidc.unlink_identity(actor=get_request_user(request), identity_id=identity_id, now=timezone.now())
        answer: HttpResponse = self.respond_provider_accounts(request)
        return answer

    @classmethod
    def respond_provider_accounts(cls, request: HttpRequest) -> SocialAccountsResponse:
        """Those of providers that are there still: allauth cannot describe another one."""
        mine = login_methods_selectors.list_identities(get_request_user(request)).filter(
            provider__in=providers.provider_names()
        )
        return SocialAccountsResponse(request, mine)
