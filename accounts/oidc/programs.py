from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.headless.socialaccount.response import SocialAccountsResponse
from allauth.headless.socialaccount.views import ManageProvidersView
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import selectors, services
from accounts.callers import person_of
from accounts.oidc import clients


class ManageIdentities(ManageProvidersView):
    """allauth's door for programs, with our own service behind it: it locks, and it tells the person."""

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise_if_reauthentication_required(request, app="allauth.socialaccount")
        identity_id = self.input.cleaned_data["account"].pk
        services.unlink_identity(actor=person_of(request), identity_id=identity_id, now=timezone.now())
        answer: HttpResponse = self.respond_provider_accounts(request)
        return answer

    @classmethod
    def respond_provider_accounts(cls, request: HttpRequest) -> SocialAccountsResponse:
        """Those of providers that are there still: allauth cannot describe another one."""
        mine = selectors.identities_of(person_of(request)).filter(provider__in=clients.names())
        return SocialAccountsResponse(request, mine)
