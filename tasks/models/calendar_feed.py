from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.db import uuid7


class CalendarFeed(models.Model):
    """The address from which a user's calendar program reads their tasks. Of its token only a digest is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feed", editable=False
    )
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"calendar feed of {self.user_id}"
