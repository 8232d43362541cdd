"""Admin of email addresses, MFA methods and linked accounts: read-only, without secrets."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.reauthentication import RequiresRecentLoginAdmin
from accounts.auth.mfa import enrollment
from accounts.auth.requests import get_request_user
from accounts.models import MfaChallenge, User
from core.admin import ReadOnlyAdmin

# allauth registers editable admin classes, which would bypass our services.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class UserOwnedAdmin(ReadOnlyAdmin):
    """Read-only rows of a user, newest first."""

    list_select_related = ("user",)
    ordering = ("-pk",)


@admin.register(EmailAddress)
class EmailAddressAdmin(UserOwnedAdmin):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    search_fields = ("=email", "=user__email")
    fields = ("email", "user", "primary", "verified")


@admin.register(Authenticator)
class AuthenticatorAdmin(RequiresRecentLoginAdmin, UserOwnedAdmin):
    """MFA methods; resetting them helps users who lost theirs."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("=user__email",)
    fields = ("user", "type", "created_at", "last_used_at")
    actions = ("reset",)

    @admin.action(description="Reset two-factor authentication of these users")
    def reset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        users = list(User.objects.filter(pk__in=queryset.values("user")))
        count = enrollment.reset_mfa(actor=get_request_user(request), users=users, now=timezone.now())
        self.message_user(request, f"Two-factor authentication was reset for {count} users.")


@admin.register(SocialAccount)
class SocialAccountAdmin(UserOwnedAdmin):
    list_display = ("user", "provider", "uid", "date_joined")
    list_filter = ("provider",)
    search_fields = ("=user__email", "=uid")
    fields = ("user", "provider", "uid", "date_joined", "last_login")


@admin.register(MfaChallenge)
class MfaChallengeAdmin(UserOwnedAdmin):
    list_display = ("user", "created_at", "expires_at", "attempts", "used_at")
    search_fields = ("=user__email",)
    fields = ("user", "created_at", "expires_at", "attempts", "used_at")
