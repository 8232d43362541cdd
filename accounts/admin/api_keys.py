"""Admin of API keys, which administrators can revoke."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.api_keys import services as api_keys
from accounts.auth.requests import get_request_user
from accounts.models import ApiKey
from core.admin import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "display_prefix", "owner", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at",
    )  # fmt: skip
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "owner__kind")
    list_select_related = ("owner",)
    search_fields = ("name", "=prefix", "=owner__email")
    ordering = ("-id",)
    fields = (
        "name", "display_prefix", "owner", "created_by", "scopes", "projects", "allowed_networks", "replaces", "created_at", "expires_at",
        "revoked_at", "last_used_at", "last_used_ip",
    )  # fmt: skip
    actions = ("revoke",)

    @admin.action(description="Revoke these keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        actor, now = get_request_user(request), timezone.now()
        open_keys = ApiKey.objects.open(now).filter(pk__in=queryset.values("pk"))
        self.each(request, open_keys, lambda key: api_keys.revoke_key(actor=actor, key_id=key.pk, now=now), "revoked")
