from django.contrib import admin

from core.admin import ReadOnlyAdmin
from gateway.models import IdempotencyRecord


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "key", "caller", "status", "created_at")
    search_fields = ("=key", "=caller")
    fields = ("key", "caller", "status", "headers", "created_at")
    ordering = ("-id",)
