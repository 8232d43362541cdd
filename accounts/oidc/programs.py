from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.headless.socialaccount.views import ManageProvidersView
from django.http import HttpRequest, HttpResponse

from accounts import services
from accounts.views.parts import person_of


class ManageIdentities(ManageProvidersView):
    """allauth's door for programs, with our own service behind it: it locks, and it tells the person."""

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise_if_reauthentication_required(request, app="allauth.socialaccount")
        services.unlink_identity(actor=person_of(request), identity_id=self.input.cleaned_data["account"].pk)
        answer: HttpResponse = self.respond_provider_accounts(request)
        return answer
