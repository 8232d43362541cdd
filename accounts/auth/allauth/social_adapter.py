from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.http import HttpRequest


class SocialAdapter(DefaultSocialAccountAdapter):
    """What allauth's own parts, such as the programs' API, may do with the providers."""

    def list_apps(self, request: HttpRequest | None, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """Those of the settings alone; see accounts.auth.oidc.providers."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """accounts.services registers people; allauth would take an address that nobody has verified."""
        return False
