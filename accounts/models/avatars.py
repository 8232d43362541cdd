"""Profile pictures."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.users import User


class Avatar(models.Model):
    """A user's picture as WebP thumbnails; `digest` identifies this version in URLs and ETags."""

    # Edges in pixels for a list row, a page header and the settings page, each for screens of two dots per pixel.
    SIZES = (48, 96, 256)

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="avatar_image")
    digest = models.CharField(max_length=32)
    small = models.BinaryField()
    medium = models.BinaryField()
    large = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(name="avatar_digest_not_empty", condition=~models.Q(digest=""))]

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest}"
