"""Admin of what users sign in with: sessions, API keys, MFA methods, email addresses, linked accounts. No secrets."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.site import RequiresRecentLoginAdmin
from accounts.api_keys import services as api_keys
from accounts.auth.mfa import enrollment
from accounts.auth.requests import get_request_user
from accounts.models import ApiKey, EmailChange, MfaChallenge, SecurityChange, Session, User
from accounts.users import administration
from core.admin import ReadOnlyAdmin
from core.clock import current_time

# allauth registers editable admin classes, which would bypass our services.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "user", "kind", "device_name", "ip_address", "created_at", "last_seen_at", "expires_at", "revoked_at",
    )  # fmt: skip
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("=user__email", "=ip_address")
    ordering = ("-id",)
    fields = ("user", "kind", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke these sessions")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        session_ids = list(queryset.values_list("pk", flat=True))
        count = administration.revoke_sessions(
            actor=get_request_user(request), session_ids=session_ids, now=current_time()
        )
        self.message_user(request, f"{count} sessions revoked.")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "display_prefix", "owner", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at",
    )  # fmt: skip
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "owner__kind")
    search_fields = ("name", "=prefix", "=owner__email")
    ordering = ("-id",)
    fields = (
        "name", "display_prefix", "owner", "created_by", "scopes", "projects", "allowed_networks", "replaces", "created_at", "expires_at",
        "revoked_at", "last_used_at", "last_used_ip",
    )  # fmt: skip
    actions = ("revoke",)

    @admin.action(description="Revoke these keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        actor, now = get_request_user(request), current_time()
        open_keys = ApiKey.objects.open(now).filter(pk__in=queryset.values("pk"))
        self.each(request, open_keys, lambda key: api_keys.revoke_key(actor=actor, key_id=key.pk, now=now), "revoked")


@admin.register(Authenticator)
class AuthenticatorAdmin(RequiresRecentLoginAdmin, ReadOnlyAdmin):
    """MFA methods; resetting them helps users who lost theirs."""

    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("=user__email",)
    ordering = ("-pk",)
    actions = ("reset",)

    @admin.action(description="Reset two-factor authentication of these users")
    def reset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        users = list(User.objects.filter(pk__in=queryset.values("user")))
        count = enrollment.reset_mfa(actor=get_request_user(request), users=users, now=current_time())
        self.message_user(request, f"Two-factor authentication was reset for {count} users.")


@admin.register(MfaChallenge)
class MfaChallengeAdmin(ReadOnlyAdmin):
    list_display = fields = ("user", "created_at", "expires_at", "attempts", "used_at")
    search_fields = ("=user__email",)
    ordering = ("-pk",)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = fields = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    search_fields = ("=email", "=user__email")
    ordering = ("-pk",)


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "provider", "uid", "date_joined")
    list_filter = ("provider",)
    search_fields = ("=user__email", "=uid")
    ordering = ("-pk",)
    fields = ("user", "provider", "uid", "date_joined", "last_login")


@admin.register(EmailChange)
class EmailChangeAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "email", "changed_at", "expires_at")
    search_fields = ("=email", "=user__email")
    ordering = ("-id",)
    fields = ("user", "email", "changed_at", "expires_at")


@admin.register(SecurityChange)
class SecurityChangeAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "change", "changed_at", "expires_at")
    list_filter = ("change",)
    search_fields = ("=user__email",)
    ordering = ("-id",)
    fields = ("user", "change", "changed_at", "expires_at")  # not the secrets of removed methods
