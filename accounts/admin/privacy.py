"""Admin of invitations, avatars, exports and account deletions: read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import AccountDeletion, Avatar, Export, ExportChunk, Invitation
from core.admin import ReadOnlyAdmin


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "inviter", "target", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("=email", "=inviter__email")
    ordering = ("-id",)
    exclude = ("token_hash",)


@admin.register(AccountDeletion)
class AccountDeletionAdmin(ReadOnlyAdmin):
    list_display = ("user", "requested_at", "due_at")
    search_fields = ("=user__email",)
    ordering = ("due_at", "pk")
    exclude = ("token_hash",)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("user", "state", "size", "created_at", "ready_at", "expires_at")
    list_filter = ("state",)
    search_fields = ("=user__email",)
    ordering = ("-id",)


@admin.register(ExportChunk)
class ExportChunkAdmin(ReadOnlyAdmin):
    """Chunks of archives without their data, which only the user may see."""

    list_display = fields = ("export", "number")
    search_fields = ("=export__user__email",)
    ordering = ("-pk",)


@admin.register(Avatar)
class AvatarAdmin(ReadOnlyAdmin):
    list_display = fields = ("user", "digest", "created_at")
    search_fields = ("=user__email",)
    ordering = ("-created_at", "pk")
